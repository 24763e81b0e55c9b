#include "usherd/app/api_key.hpp"

#include "tests/fakes/temp_directory.hpp"
#include "usherd/app/key_holder.hpp"
#include "usherd/submit/parking.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <type_traits>

using usherd::Environment;
using usherd::read_api_key;
using usherd::read_proxy_credentials;
using usherd::Secret;

namespace {

/// A directory for keys.
class KeyFolder : public usherd::fakes::TempDirectory {
 public:
  [[nodiscard]] std::string write(const std::string& name, const std::string& text,
                                  mode_t mode = 0640) const {
    const auto file = at(name);
    usherd::fakes::write_file(file, text);
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return file;
  }
  [[nodiscard]] std::string at(const std::string& name) const { return *this / name; }
};

Environment none() {
  return [](const std::string&) { return std::nullopt; };
}

Environment with_credentials(const std::string& directory) {
  return [directory](const std::string& name) {
    return name == "CREDENTIALS_DIRECTORY" ? std::optional<std::string>(directory) : std::nullopt;
  };
}

}  // namespace

TEST_CASE("the key is what the file holds, without the white space around it") {
  const KeyFolder folder;
  for (const std::string text : {"na1.AbC/dEf=", "na1.AbC/dEf=\n", " \tna1.AbC/dEf=\r\n\n"}) {
    const auto key = read_api_key(folder.write("key", text), none());
    REQUIRE(key.has_value());
    CHECK(key->reveal() == "na1.AbC/dEf=");
  }
  CHECK(read_api_key(folder.write("group", "k", 0640), none()).has_value());
  CHECK(read_api_key(folder.write("owner", "k", 0400), none()).has_value());
  CHECK(read_api_key(folder.write("largest", std::string(4096, 'k')), none()).has_value());
  std::filesystem::create_symlink(folder.at("owner"), folder.at("link"));
  CHECK(read_api_key(folder.at("link"), none()).has_value());
}

TEST_CASE("a key that cannot be good is refused, with the file and the remedy, without what it holds") {
  const KeyFolder folder;
  struct Row {
    std::string file;
    std::string message;
  };
  const auto readable = folder.write("readable", "s3cret", 0644);
  const auto writable = folder.write("writable", "s3cret", 0602);
  const Row rows[] = {
      {folder.write("empty", ""), "empty; write the secret into it"},
      {folder.write("blank", " \n\n"), "empty; write the secret into it"},
      {readable, "everybody on this machine may read or write it (mode 0644); chmod 0640 " + readable},
      {writable, "everybody on this machine may read or write it (mode 0602); chmod 0640 " + writable},
      {folder.write("large", std::string(4097, 'k')),
       "larger than 4 KiB; it must hold the secret and nothing else"},
      {folder.write("basic", "Basic s3cret"),
       "has a space inside; write the bare key, without \"Basic\" and on one line"},
      {folder.write("lines", "s3cret\ns3cret"),
       "holds a line break, a control character or one that is not ASCII; write the secret alone, on one "
       "line"},
      {folder.write("nul", std::string("s3cret\0s3cret", 13)),
       "holds a line break, a control character or one that is not ASCII; write the secret alone, on one "
       "line"},
      {folder.write("bom", "\xEF\xBB\xBFs3cret"),
       "holds a line break, a control character or one that is not ASCII; write the secret alone, on one "
       "line"},
      {folder.path(), "not a regular file"},
      {folder.at("missing"),
       "No such file or directory; write the secret into it, mode 0640, owned by root:usherd"},
  };
  for (const auto& [file, message] : rows) {
    CAPTURE(file);
    const auto key = read_api_key(file, none());
    REQUIRE(key.has_error());
    CHECK(key.error().message == "API key: " + file + ": " + message);
    CHECK(key.error().message.find("s3cret") == std::string::npos);
  }
}

TEST_CASE("a FIFO in place of the key is refused at once") {
  const KeyFolder folder;
  REQUIRE(::mkfifo(folder.at("fifo").c_str(), 0600) == 0);
  const auto key = read_api_key(folder.at("fifo"), none());
  REQUIRE(key.has_error());
  CHECK(key.error().message.ends_with("not a regular file"));
}

TEST_CASE("the systemd credential wins over the key file, whatever its mode") {
  const KeyFolder folder;
  const auto file = folder.write("file", "from-file");
  REQUIRE(::mkdir(folder.at("credentials").c_str(), 0700) == 0);
  const auto environment = with_credentials(folder.at("credentials"));
  CHECK(read_api_key(file, environment)->reveal() == "from-file");
  const auto credential = folder.write("credentials/api-key", "from-systemd\n", 0644);
  CHECK(read_api_key(file, environment)->reveal() == "from-systemd");
  (void)folder.write("credentials/api-key", "");
  CHECK(read_api_key(file, environment).error().message ==
        "API key: " + credential + ": empty; write the secret into it");
  CHECK(read_api_key(file, with_credentials("relative"))->reveal() == "from-file");
}

TEST_CASE("proxy credentials are user and password, which may hold spaces") {
  const KeyFolder folder;
  CHECK(read_proxy_credentials(folder.write("good", "me:pass word\n"))->reveal() == "me:pass word");
  const auto file = folder.write("bad", "s3cret");
  CHECK(read_proxy_credentials(file).error().message == "proxy credentials: " + file + ": not user:password");
  CHECK(read_proxy_credentials(folder.write("open", "a:b", 0644)).has_error());
}

TEST_CASE(
    "What to do about a refused key depends on where it came from and on what kept another from being read") {
  const KeyFolder folder;
  const auto log = usherd::make_silent_log();
  const auto file = folder.write("key", "from-file");
  usherd::KeyHolder plain(file, none(), *log);
  REQUIRE(plain.read().has_value());
  CHECK(plain.advice() == usherd::advice_for(usherd::ParkReason::credentials));
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  CHECK_FALSE(plain.read().has_value());
  CHECK(plain.advice().starts_with("the API refuses the key, and no other one can be read: API key: " + file +
                                   ": everybody"));
  REQUIRE(::chmod(file.c_str(), 0640) == 0);
  REQUIRE(plain.read().has_value());
  CHECK(plain.advice() == usherd::advice_for(usherd::ParkReason::credentials));
  usherd::fakes::write_file(folder.at("api-key"), "from-systemd");
  usherd::KeyHolder credential(file, with_credentials(folder.path()), *log);
  REQUIRE(credential.read().has_value());
  CHECK(
      credential.advice() ==
      "the API refuses the key of the systemd credential api-key, which wins over api.key_file; change that "
      "credential and restart usherd");
}
