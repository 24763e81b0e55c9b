#include "usherd/app/config_report.hpp"

#include "tests/fakes/temp_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using usherd::ExitCode;
using usherd::parse_config;
using usherd::report_config;

namespace {

/// A key file that is there for one test.
class KeyFile {
 public:
  explicit KeyFile(mode_t mode) : name_(std::filesystem::temp_directory_path() / "usherd-report-XXXXXX") {
    const int descriptor = ::mkstemp(name_.data());
    REQUIRE(descriptor >= 0);
    ::close(descriptor);
    std::ofstream(name_) << "na1.s3cret\n";
    REQUIRE(::chmod(name_.c_str(), mode) == 0);
  }
  ~KeyFile() { std::filesystem::remove(name_); }
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

usherd::ConfigReport report(const std::string& text, const std::string& https_proxy = "") {
  return report_config(parse_config(text, "f.yaml"), [&](const std::string& name) {
    return name == "HTTPS_PROXY" ? std::optional<std::string>(https_proxy) : std::nullopt;
  });
}

}  // namespace

TEST_CASE("a good configuration is told with the values that follow from it, and exit 0") {
  const KeyFile key(0640);
  const auto good =
      report("api:\n  key_file: " + key.name() + "\nlimits:\n  in_progress_operations: 90000\n");
  CHECK(good.code == ExitCode::ok);
  CHECK(good.err.empty());
  CHECK(good.out ==
        "f.yaml: configuration is good\n"
        "  API at https://api.fullstory.com\n"
        "  batches of at most 1000 records (auto) and 8.0 MiB\n"
        "  in progress at most 90 batches and 90000 operations\n"
        "  8 sessions, 20 requests a second, 40 at once after a quiet time\n"
        "  spool /var/spool/usherd, state /var/lib/usherd\n"
        "  status page at http://127.0.0.1:9786/, socket /run/usherd/admin.sock\n");
}

TEST_CASE(
    "the report says where full batches meet the operations first, which proxy serves, and what is off") {
  const KeyFile key(0640);
  const auto good = report(
      "api:\n  key_file: " + key.name() + "\nbatch:\n  max_records: 50000\nadmin:\n  listen:\n", "p:3128");
  CHECK(good.out.find("  full batches reach the operations first, with 9 in progress\n") !=
        std::string::npos);
  CHECK(good.out.find("fullstory.com, through the proxy p:3128\n") != std::string::npos);
  CHECK(good.out.find("status page off") != std::string::npos);
}

TEST_CASE("a file of trust roots that is missing or holds none is a fault, before anything needs it") {
  const KeyFile key(0640);
  const auto with = [&](const std::string& file) {
    return report("api:\n  key_file: " + key.name() + "\n  ca_file: " + file + "\n");
  };
  const std::string hint = "; name one file that holds the CA's certificates in PEM format\n";
  CHECK(with("/does/not/exist.pem").err ==
        "f.yaml:3: api.ca_file /does/not/exist.pem: No such file or directory" + hint);
  const auto empty = with(key.name());
  CHECK(empty.code == ExitCode::config);
  CHECK(empty.err == "f.yaml:3: api.ca_file " + key.name() + ": holds no certificate" + hint);
  CHECK(with("/tmp").err == "f.yaml:3: api.ca_file /tmp: is a directory" + hint);
  CHECK(with("/dev/zero").err == "f.yaml:3: api.ca_file /dev/zero: is not a regular file" + hint);
  usherd::fakes::TempDirectory folder;
  const auto pipe = folder / "pipe.pem";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(with(pipe).err == "f.yaml:3: api.ca_file " + pipe + ": is not a regular file" + hint);
  const auto large = folder / "large.pem";
  usherd::fakes::write_file(large, "");
  REQUIRE(::truncate(large.c_str(), (16 << 20) + 1) == 0);
  CHECK(with(large).err == "f.yaml:3: api.ca_file " + large + ": is larger than 16 MiB" + hint);
  usherd::fakes::write_file(folder / "damaged.pem", "-----BEGIN CERTIFICATE-----\n@@\n");
  const auto damaged = with(folder / "damaged.pem");
  CHECK(damaged.code == ExitCode::config);
  CHECK(damaged.err.find("damaged.pem: is damaged: ") != std::string::npos);
}

TEST_CASE("a faulty configuration is told on stderr with exit 78") {
  const auto bad = report("api:\n  sessions: 0\nx: 1\n");
  CHECK(bad.code == ExitCode::config);
  CHECK(bad.out.empty());
  CHECK(bad.err.starts_with("f.yaml:2: api.sessions: 0 is out of range"));
  CHECK(bad.err.find("f.yaml:3: x: unknown key") != std::string::npos);
}

TEST_CASE(
    "a key that is open to all and a proxy that cannot be used are faults, told together and without "
    "secrets") {
  const KeyFile key(0644);
  const auto bad = report("api:\n  key_file: " + key.name() + "\n", "https://me:s3cret@p:3128");
  CHECK(bad.code == ExitCode::config);
  CHECK(bad.err.starts_with("f.yaml: HTTPS_PROXY: "));
  CHECK(bad.err.find("f.yaml:2: API key: " + key.name() + ": everybody") != std::string::npos);
  CHECK(bad.err.find("s3cret") == std::string::npos);
}

TEST_CASE("a slip in one key hides no fault of the files that other keys name") {
  const KeyFile key(0644);
  const auto bad = report("api:\n  key_file: " + key.name() + "\n  ca_file: /nonexist.pem\n  sesions: 3\n");
  CHECK(bad.code == ExitCode::config);
  CHECK(bad.err.find("f.yaml:2: API key: " + key.name() + ": everybody") == 0);
  CHECK(bad.err.find("\nf.yaml:3: api.ca_file /nonexist.pem: No such file") != std::string::npos);
  CHECK(bad.err.find("\nf.yaml:4: api.sesions: unknown key") != std::string::npos);
}

TEST_CASE("where the file is faulty, nothing is said of a key file that it may have meant to name") {
  CHECK(report("api:\n  key_fil: /nonexist.key\n").err.find("API key") == std::string::npos);
  CHECK(report("api:\n  key_file: relative\n").err.find("API key") == std::string::npos);
  CHECK(report("api: [\n").err.find("API key") == std::string::npos);
}

TEST_CASE("a directory or socket that names something else is a fault, one that is not there is none") {
  const KeyFile key(0640);
  const usherd::fakes::TempDirectory folder;
  usherd::fakes::write_file(folder / "file", "");
  std::filesystem::create_directory(folder / "folder");
  std::filesystem::create_directory_symlink(folder / "folder", folder / "link");
  const auto with = [&](const std::string& section, const std::string& word, const std::string& path) {
    return report("api:\n  key_file: " + key.name() + "\n" + section + ":\n  " + word + ": " + path + "\n");
  };
  const std::string line = "f.yaml:4: ";
  for (const std::string section : {"spool", "state"}) {
    CAPTURE(section);
    const auto of = [&](const std::string& name) { return with(section, "directory", folder / name); };
    const auto starts = [&](const std::string& name) {
      return line + section + ".directory " + (folder / name);
    };
    CHECK(of("file").code == ExitCode::config);
    CHECK(of("file").err ==
          starts("file") + ": is not a directory; name a directory, or a path where usherd can make one\n");
    CHECK(of("file/x").err ==
          starts("file/x") + ": " + (folder / "file") + " is not a directory, or is below none\n");
    for (const auto* good : {"folder", "new", "folder/new", "link/new", "a/b"})
      CHECK(of(good).code == ExitCode::ok);
  }
  // A start takes a linked state, and no linked spool.
  CHECK(with("state", "directory", folder / "link").code == ExitCode::ok);
  CHECK(with("spool", "directory", folder / "link").err.find("link: is a symbolic link; ") !=
        std::string::npos);

  CHECK(with("admin", "socket", folder / "folder").err ==
        line + "admin.socket " + (folder / "folder") + " names a directory; give it another path\n");
  CHECK(with("admin", "socket", folder / "file").err ==
        line + "admin.socket " + (folder / "file") + " names a file; give it another path\n");
  CHECK(with("admin", "socket", folder / "new.sock").code == ExitCode::ok);
  // The service's own folder in /run is there only while it runs.
  CHECK(with("admin", "socket", folder / "not-there/admin.sock").code == ExitCode::ok);
}
