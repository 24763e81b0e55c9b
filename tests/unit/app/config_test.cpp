#include "usherd/app/config.hpp"

#include "tests/fakes/temp_directory.hpp"
#include "usherd/app/config_file.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

using usherd::Config;
using usherd::load_config;
using usherd::Milliseconds;
using usherd::parse_config;

TEST_CASE("the commented default configuration says exactly the defaults") {
  const auto outcome = load_config("config/usherd.yaml");
  CHECK(usherd::format_faults(outcome).empty());
  CHECK(outcome.config == Config{});
}

TEST_CASE("a file without any value gives the defaults") {
  for (const std::string text :
       {"", "# nothing\n", "---\n", "{}\n", "\xEF\xBB\xBF# a BOM\n", "api:\nlog:\n# all keys commented\n"}) {
    CAPTURE(text);
    const auto outcome = parse_config(text, "f");
    CHECK(outcome.good());
    CHECK(outcome.config == Config{});
  }
}

TEST_CASE("every key reaches its field") {
  const auto outcome = parse_config(R"(
api:
  base_url: https://localhost:8443/prefix
  key_file: /k
  ca_file: /c.pem
  proxy: http://proxy:3128
  proxy_credentials_file: /p
  sessions: 3
  connect_timeout: 250ms
  request_timeout: 2m
spool: {directory: /s/, settle: 0s, rescan: 1s, keep_done: 0s, keep_rejected: 1d, min_free: 1MiB, max_unpacked: 2GiB, max_ratio: 9}
state: {directory: /s//t/../state}
batch: {max_records: 77, max_bytes: 2MiB, linger: 0s, lookahead: 5}
limits: {in_progress_batches: 200, in_progress_operations: 500000, requests_per_second: 0.5, burst: 1, job_timeout: 2h}
records: {anonymous: accept, merge: false}
admin: {listen: "[::1]:0", hosts: [Status.Example.com, 10.0.0.1, status.example.com], socket: /run/x.sock}
log: {level: debug, format: json}
stop_timeout: 5s
)",
                                    "f");
  CHECK(usherd::format_faults(outcome).empty());
  Config want;
  want.api = {"https://localhost:8443/prefix",
              "/k",
              "/c.pem",
              "http://proxy:3128",
              "/p",
              3,
              Milliseconds{250},
              Milliseconds{120'000}};
  want.spool = {
      "/s", Milliseconds{0}, Milliseconds{1000}, Milliseconds{0}, std::chrono::days{1}, 1 << 20, 2ULL << 30,
      9};
  want.state = {"/s/state"};
  want.batch = {77, 2 << 20, Milliseconds{0}, 5};
  want.limits = {200, 500'000, 0.5, 1, std::chrono::hours{2}};
  want.records = {usherd::AnonymousRecords::accept, false};
  want.admin = {"[::1]:0", {"status.example.com", "10.0.0.1"}, "/run/x.sock"};
  want.log = {usherd::LogLevel::debug, usherd::LogFormatChoice::json};
  want.stop_timeout = Milliseconds{5000};
  CHECK(outcome.config == want);
}

TEST_CASE("a key that may be empty is off or unset when it is") {
  const auto outcome = parse_config("api:\n  ca_file:\n  proxy: ''\nadmin:\n  listen:\n", "f");
  CHECK(outcome.good());
  CHECK(outcome.config.admin.listen.empty());
  CHECK(outcome.config.api.proxy.empty());
}

TEST_CASE("plain http is good for loopback only") {
  for (const std::string host : {"localhost", "127.0.0.1:8080", "[::1]:8080"}) {
    CAPTURE(host);
    CHECK(parse_config("api:\n  base_url: http://" + host + "\n", "f").good());
  }
  CHECK_FALSE(parse_config("api:\n  base_url: http://10.0.0.1\n", "f").good());
}

TEST_CASE("the state may stand beside the spool's folders") {
  CHECK(parse_config("spool:\n  directory: /srv/u\nstate:\n  directory: /srv/u/state\n", "f").good());
  CHECK(parse_config("spool:\n  directory: /srv/u\nstate:\n  directory: /srv/u/done-state\n", "f").good());
}

TEST_CASE("auto gives batches that fill both limits at once") {
  struct Row {
    std::uint64_t batches;
    std::uint64_t operations;
    std::uint64_t records;
  };
  for (const auto& [batches, operations, records] :
       {Row{90, 450'000, 5000}, Row{1, 500'000, 50'000}, Row{200, 500'000, 2500}, Row{9, 500'000, 50'000},
        Row{100, 7, 1}, Row{1, 1, 1}, Row{10, 500'000, 50'000}, Row{11, 500'000, 45'454}}) {
    usherd::LimitsConfig limits;
    limits.in_progress_batches = batches;
    limits.in_progress_operations = operations;
    CHECK(usherd::auto_max_records(limits) == records);
  }
}

TEST_CASE("a number of records that was given wins over auto") {
  Config config;
  CHECK(effective_max_records(config) == 5000);
  config.batch.max_records = 12;
  CHECK(effective_max_records(config) == 12);
}

TEST_CASE("a link in place of the spool or the state directory is followed, once and for all") {
  const auto folder = std::filesystem::temp_directory_path() / ("usherd-links-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "disk");
  const auto real = std::filesystem::canonical(folder).string();
  std::filesystem::create_directory_symlink("disk", folder / "spool");
  std::filesystem::create_directory_symlink("missing", folder / "state");
  std::ofstream(folder / "c.yaml") << "spool: {directory: " << real << "/spool}\nstate: {directory: " << real
                                   << "/state}\n";
  const auto outcome = load_config((folder / "c.yaml").string());
  std::filesystem::remove_all(folder);
  CHECK(outcome.good());
  CHECK(outcome.config.spool.directory == real + "/disk");
  CHECK(outcome.config.state.directory == real + "/state");
}

TEST_CASE("a link into the spool is no way around what may not stand there") {
  const usherd::fakes::TempDirectory folder;
  std::filesystem::create_directories(folder / "disk/working");
  std::filesystem::create_directory_symlink(folder / "disk", folder / "spool");
  std::filesystem::create_directory_symlink(folder / "disk/working", folder / "state");
  const auto faults_of = [&](const std::string& spool, const std::string& key_file) {
    usherd::fakes::write_file(folder / "c.yaml", "api: {key_file: " + (folder / key_file) +
                                                     "}\nspool: {directory: " + (folder / spool) +
                                                     "}\nstate: {directory: " + (folder / "state") + "}\n");
    return usherd::format_faults(load_config(folder / "c.yaml"));
  };
  const auto state =
      (folder / "c.yaml") +
      ":3: state.directory: state stands in the spool's folder working; give it a directory of "
      "its own\n";
  CHECK(faults_of("disk", "key") == state);
  CHECK(faults_of("spool", "key") == state);
  // What is wrong as it is written is told as well, and once.
  const auto key = (folder / "c.yaml") +
                   ":1: api.key_file: the key stands in the spool's folder done; keep it under /etc/usherd\n";
  CHECK(faults_of("spool", "spool/done/key") == key + state);
  CHECK(faults_of("disk", "disk/done/key") == key + state);
}

TEST_CASE("a file that cannot be read is a fault that names it and says what to do") {
  CHECK(
      usherd::format_faults(load_config("/nowhere/usherd.yaml")) ==
      "/nowhere/usherd.yaml: cannot be read: No such file or directory; name the file with --config FILE\n");
  CHECK(usherd::format_faults(load_config("/proc")) == "/proc: is not a regular file\n");
  CHECK(usherd::format_faults(load_config("/dev/zero")) == "/dev/zero: is not a regular file\n");
}
