#include "usherd/app/config_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using usherd::format_fault;
using usherd::parse_config;

namespace {

/// The faults of a text, as an operator reads them.
std::vector<std::string> faults_of(const std::string& text) {
  const auto outcome = parse_config(text, "f");
  std::vector<std::string> lines;
  for (const auto& fault : outcome.faults)
    lines.push_back(format_fault(outcome.file, fault));
  return lines;
}

struct Refusal {
  std::string text;
  std::string line;
};

void check_each(const std::vector<Refusal>& refusals) {
  for (const auto& [text, line] : refusals) {
    CAPTURE(text);
    CHECK(usherd::format_faults(parse_config(text, "f")) == line + "\n");
  }
}

}  // namespace

TEST_CASE("unknown keys are named with the key that was probably meant") {
  check_each({
      {"api:\n  sesions: 8\n", "f:2: api.sesions: unknown key; did you mean sessions?"},
      {"api:\n  request_timout: 8s\n", "f:2: api.request_timout: unknown key; did you mean request_timeout?"},
      {"apu:\n  sessions: 8\n", "f:1: apu: unknown key; did you mean api?"},
      {"\n\nlimit: {}\n", "f:3: limit: unknown key; did you mean limits?"},
      {"sessions: 8\n", "f:1: sessions: unknown key; sessions stands under api:"},
      {"api:\n  linger: 1s\n", "f:2: api.linger: unknown key; linger stands under batch:"},
      {"log:\n  stop_timeout: 1s\n", "f:2: log.stop_timeout: unknown key; stop_timeout stands at the top"},
      {"log:\n  colour: red\n", "f:2: log.colour: unknown key; known here: level, format"},
      {"zzz: 1\n",
       "f:1: zzz: unknown key; known here: api, spool, state, batch, limits, records, admin, log, "
       "stop_timeout"},
  });
}

TEST_CASE("repeated keys and sections are faults") {
  check_each({
      {"api:\n  sessions: 8\n  sessions: 9\n",
       "f:3: api.sessions: is set twice (first at line 2); keep one of them"},
      {"log:\n  level: info\napi:\nlog:\n  format: json\n",
       "f:4: log: is set twice (first at line 1); keep one of them"},
      {"log: {level: info, level: info}\n",
       "f:1: log.level: is set twice (first at line 1); keep one of them"},
      {"stop_timeout: 1s\nstop_timeout: 1s\n",
       "f:2: stop_timeout: is set twice (first at line 1); keep one of them"},
  });
}

TEST_CASE("wrong types are faults") {
  const std::string digits = "; write a number from 1 to 64 in plain digits";
  check_each({
      {"api:\n  sessions: many\n", "f:2: api.sessions: 'many' is not a whole number" + digits},
      {"api:\n  sessions: 8.5\n", "f:2: api.sessions: '8.5' is not a whole number" + digits},
      {"api:\n  sessions: -1\n", "f:2: api.sessions: '-1' is not a whole number" + digits},
      {"api:\n  sessions: 010\n", "f:2: api.sessions: '010' is not a whole number" + digits},
      {"api:\n  sessions: 0x8\n", "f:2: api.sessions: '0x8' is not a whole number" + digits},
      {"api:\n  sessions: '8'\n",
       "f:2: api.sessions: must be a whole number, not text in quotes; leave the quotes out"},
      {"api:\n  sessions: [8]\n",
       "f:2: api.sessions: must be one value, not a list; write a single value after the colon"},
      {"api:\n  sessions:\n    a: 8\n",
       "f:3: api.sessions: must be one value, not a mapping; write a single value after the colon"},
      {"api:\n  sessions:\n",
       "f:2: api.sessions: has no value; give it one, or leave the key out for its default"},
      {"api:\n  sessions: ~\n",
       "f:2: api.sessions: has no value; give it one, or leave the key out for its default"},
      {"api:\n  base_url: ''\n",
       "f:2: api.base_url: has no value; give it one, or leave the key out for its default"},
      {"api: yes\n", "f:1: api: must be a section; write its keys on the lines below, indented"},
      {"api: []\n", "f:1: api: must be a section; write its keys on the lines below, indented"},
      {"stop_timeout: {}\n",
       "f:1: stop_timeout: must be one value, not a mapping; write a single value after the colon"},
      {"records:\n  merge: yes\n",
       "f:2: records.merge: 'yes' is neither true nor false; write true or false"},
      {"records:\n  merge: 'true'\n",
       "f:2: records.merge: must be true or false, not text in quotes; leave the quotes out"},
      {"records:\n  anonymous: drop\n",
       "f:2: records.anonymous: 'drop' is not known here; write one of: reject, accept"},
      {"log:\n  level: warn\n",
       "f:2: log.level: 'warn' is not known here; write one of: error, warning, info, debug"},
      {"log:\n  format: text\n", "f:2: log.format: 'text' is not known here; write one of: auto, json"},
      {"admin:\n  hosts: a.example\n",
       "f:2: admin.hosts: must be a list of host names; write a list, as in [status.example.com]"},
      {"admin:\n  hosts: ['a:1']\n", "f:2: admin.hosts: 'a:1' has a port; write the name without a port"},
      {"state:\n  directory: |\n    /var/lib/usherd\n",
       "f:2: state.directory: holds a control character or a line break; write it on one line"},
      {"log:\n  [1, 2]: 3\n", "f:2: log: a key must be a word; write it as in 'name: value'"},
  });
}

TEST_CASE("values out of range are faults that name the range") {
  check_each({
      {"api:\n  sessions: 0\n", "f:2: api.sessions: 0 is out of range; from 1 to 64"},
      {"api:\n  sessions: 65\n", "f:2: api.sessions: 65 is out of range; from 1 to 64"},
      {"api:\n  sessions: 99999999999999999999999\n",
       "f:2: api.sessions: 99999999999999999999999 is out of range; from 1 to 64"},
      {"api:\n  connect_timeout: 0s\n", "f:2: api.connect_timeout: 0s is out of range; from 100ms to 10m"},
      {"api:\n  request_timeout: 2h\n", "f:2: api.request_timeout: 2h is out of range; from 100ms to 1h"},
      {"spool:\n  rescan: 0s\n", "f:2: spool.rescan: 0s is out of range; from 100ms to 1d"},
      {"spool:\n  settle: 25h\n", "f:2: spool.settle: 25h is out of range; from 0ms to 1d"},
      {"spool:\n  min_free: 1KiB\n", "f:2: spool.min_free: 1KiB is out of range; from 1MiB to 1024GiB"},
      {"spool:\n  max_ratio: 1\n", "f:2: spool.max_ratio: 1 is out of range; from 2 to 100000"},
      {"spool:\n  keep_rejected: 0s\n", "f:2: spool.keep_rejected: 0s is out of range; from 1s to 36500d"},
      {"batch:\n  max_bytes: 1MiB\n", "f:2: batch.max_bytes: 1MiB is out of range; from 2MiB to 64MiB"},
      {"batch:\n  max_bytes: 65MiB\n", "f:2: batch.max_bytes: 65MiB is out of range; from 2MiB to 64MiB"},
      {"batch:\n  max_records: 0\n",
       "f:2: batch.max_records: 0 is out of range; write auto, or a number from 1 to 50000"},
      {"batch:\n  max_records: 50001\n",
       "f:2: batch.max_records: 50001 is out of range; write auto, or a number from 1 to 50000"},
      {"batch:\n  max_records: automatic\n",
       "f:2: batch.max_records: 'automatic' is not a whole number; write auto, or a number from 1 to 50000"},
      {"batch:\n  linger: 61m\n", "f:2: batch.linger: 61m is out of range; from 0ms to 1h"},
      {"batch:\n  lookahead: 0\n", "f:2: batch.lookahead: 0 is out of range; from 1 to 10000000"},
      {"limits:\n  in_progress_batches: 201\n",
       "f:2: limits.in_progress_batches: 201 is out of range; from 1 to 200"},
      {"limits:\n  in_progress_batches: 0\n",
       "f:2: limits.in_progress_batches: 0 is out of range; from 1 to 200"},
      {"limits:\n  in_progress_operations: 500001\n",
       "f:2: limits.in_progress_operations: 500001 is out of range; from 1 to 500000"},
      {"limits:\n  burst: 0\n", "f:2: limits.burst: 0 is out of range; from 1 to 10000"},
      {"limits:\n  requests_per_second: 0\n",
       "f:2: limits.requests_per_second: 0 is out of range; from 0.001 to 10000"},
      {"limits:\n  requests_per_second: -2\n",
       "f:2: limits.requests_per_second: -2 is out of range; from 0.001 to 10000"},
      {"limits:\n  requests_per_second: 0.00000000001\n",
       "f:2: limits.requests_per_second: 0.00000000001 is out of range; from 0.001 to 10000"},
      {"limits:\n  requests_per_second: nan\n",
       "f:2: limits.requests_per_second: 'nan' is not a number; write it as 20 or 0.5"},
      {"limits:\n  requests_per_second: 0.0009\n",
       "f:2: limits.requests_per_second: 0.0009 is out of range; from 0.001 to 10000"},
      {"limits:\n  requests_per_second: 1e3\n",
       "f:2: limits.requests_per_second: '1e3' is not a number; write it as 20 or 0.5"},
      {"stop_timeout: 2h\n", "f:1: stop_timeout: 2h is out of range; from 0ms to 1h"},
  });
}

TEST_CASE("sizes and durations need their units") {
  const std::string size = "; write a whole number with KiB, MiB or GiB, as in 8MiB";
  const std::string duration = "; write a whole number with ms, s, m, h or d, as in 10s";
  check_each({
      {"batch:\n  max_bytes: 8MB\n", "f:2: batch.max_bytes: '8MB' is not a size" + size},
      {"batch:\n  max_bytes: big\n", "f:2: batch.max_bytes: 'big' is not a size" + size},
      {"batch:\n  linger: 1\n", "f:2: batch.linger: '1' is not a duration" + duration},
      {"batch:\n  linger: 1.5s\n", "f:2: batch.linger: '1.5s' is not a duration" + duration},
      {"batch:\n  linger: -1s\n", "f:2: batch.linger: '-1s' is not a duration" + duration},
      {"spool:\n  settle: 10 seconds\n", "f:2: spool.settle: '10 seconds' is not a duration" + duration},
  });
}

TEST_CASE("a number beyond all measure is called that, and nothing else") {
  const std::string large(30, '9');
  const std::string linger = "s' is too large; from 0ms to 1h";
  check_each({
      {"batch:\n  linger: " + large + "s\n", "f:2: batch.linger: '" + large + linger},
      {"batch:\n  linger: 99999999999999999s\n", "f:2: batch.linger: '99999999999999999" + linger},
      {"batch:\n  max_bytes: " + large + "KiB\n",
       "f:2: batch.max_bytes: '" + large + "KiB' is too large; from 2MiB to 64MiB"},
      {"batch:\n  linger: " + large + " pints\n",
       "f:2: batch.linger: '" + large +
           " pints' is not a duration; write a whole number with ms, s, m, h or d, as in 10s"},
  });
}

TEST_CASE("every bad host name of a list is named") {
  const std::string name = "; write a host name or an address";
  check_each({
      {"admin:\n  hosts: ['a b', good.example, 'c d']\n",
       "f:2: admin.hosts: 'a b' is not a host name, 'c d' is not a host name" + name},
      {"admin:\n  hosts: ['https://x']\n",
       "f:2: admin.hosts: 'https://x' is not a host name; write a name, without https://"},
      {"admin:\n  hosts: ['a:1', 'http://x:2/', 'c d', [e]]\n",
       "f:2: admin.hosts: 'a:1' has a port, 'http://x:2/' is not a host name, 'c d' is not a host name, must "
       "be one value, not a list; write names alone, without https:// and without ports"},
  });
}

TEST_CASE("addresses are checked") {
  const std::string listen =
      R"(; write it as 127.0.0.1:9786 or "[::1]:9786" in quotes, or leave it empty for no HTTP)";
  check_each({
      {"api:\n  base_url: http://api.fullstory.com\n",
       "f:2: api.base_url: http:// would send the API key to api.fullstory.com unencrypted; use https://; "
       "http:// is for "
       "loopback only"},
      {"api:\n  base_url: api.fullstory.com\n",
       "f:2: api.base_url: an address begins with https:// (or http:// for loopback); write it as "
       "https://api.fullstory.com"},
      {"api:\n  proxy: http://me:secret@proxy:3128\n",
       "f:2: api.proxy: an address holds no user name or password; put user:password into "
       "api.proxy_credentials_file"},
      {"api:\n  proxy: p:3128\n",
       "f:2: api.proxy: 'p:3128' is not a proxy's address; write it as http://host:port"},
      {"api:\n  proxy: http://proxy\n",
       "f:2: api.proxy: 'http://proxy' is not a proxy's address; write it as http://host:port"},
      {"api:\n  proxy: https://proxy:443\n",
       "f:2: api.proxy: 'https://proxy:443' is not a proxy's address; write it as http://host:port"},
      {"admin:\n  listen: 127.0.0.1\n", "f:2: admin.listen: '127.0.0.1' has no port" + listen},
      {"admin:\n  listen: example.com:80\n",
       "f:2: admin.listen: 'example.com' is not an address of this machine" + listen},
      {"spool:\n  directory: spool\n",
       "f:2: spool.directory: 'spool' is not an absolute path; begin it with /"},
      {"spool:\n  directory: /var/..\n",
       "f:2: spool.directory: the root directory cannot be used; name a directory of usherd's own"},
      {"admin:\n  socket: /" + std::string(103, 'a') + "\n",
       "f:2: admin.socket: is 104 bytes long; a socket's path has at most 103"},
  });
  CHECK(faults_of("admin:\n  socket: /" + std::string(102, 'a') + "\n").empty());
}

TEST_CASE("a secret in place of the file that holds it is not repeated") {
  const std::string rest =
      "is not an absolute path; name the file, beginning with /; the secret itself stands in it alone";
  check_each({
      {"api:\n  key_file: na1.s3cret/KEY\n", "f:2: api.key_file: " + rest},
      {"api:\n  proxy_credentials_file: me:s3cret\n", "f:2: api.proxy_credentials_file: " + rest},
      {"api:\n  base_url: https://me:s3/cret@api.example.com\n",
       "f:2: api.base_url: an address holds no user name or password; write it as https://api.fullstory.com"},
  });
}

TEST_CASE("values that are good alone and impossible together are faults") {
  const std::string above = "above it; keep it under /run/usherd";
  check_each({
      {"limits:\n  in_progress_operations: 100\nbatch:\n  max_records: 101\n",
       "f:4: batch.max_records: a batch of 101 records never fits 100 operations in progress; lower "
       "batch.max_records, "
       "write auto, or raise limits.in_progress_operations"},
      {"spool:\n  directory: /var/lib/usherd/\n",
       "f:2: spool.directory: state and spool are one directory; give each its own"},
      {"state:\n  directory: /s\nspool:\n  directory: /a/../s\n",
       "f:2: state.directory: state and spool are one directory; give each its own"},
      {"state:\n  directory: /var/spool/usherd/working/state\n",
       "f:2: state.directory: state stands in the spool's folder working; give it a directory of its own"},
      {"api:\n  key_file: /var/spool/usherd/incoming/key\n",
       "f:2: api.key_file: the key stands in the spool's folder incoming; keep it under /etc/usherd"},
      {"admin:\n  socket: /var/spool/usherd/done/admin.sock\n",
       "f:2: admin.socket: the socket stands in the spool's folder done; keep it under /run/usherd"},
      {"admin:\n  socket: /var/lib/usherd\n",
       "f:2: admin.socket: the socket would take the place of state.directory /var/lib/usherd or a folder " +
           above},
      {"admin:\n  socket: /var/spool/usherd\n",
       "f:2: admin.socket: the socket would take the place of spool.directory /var/spool/usherd or a "
       "folder " +
           above},
      {"spool:\n  directory: /srv/a/b\nadmin:\n  socket: /srv/a\n",
       "f:4: admin.socket: the socket would take the place of spool.directory /srv/a/b or a folder " + above},
      {"admin:\n  socket: /var/spool/usherd/working\n",
       "f:2: admin.socket: the socket stands in the spool's folder working; keep it under /run/usherd"},
      {"api:\n  proxy: http://proxy:3128\n  base_url: http://127.0.0.1:8080\n",
       "f:3: api.base_url: http:// would send the API key in clear text through api.proxy; use https://, or "
       "leave api.proxy empty"},
  });
}

TEST_CASE("what is not one plain YAML mapping is refused") {
  check_each({
      {"- api\n", "f:1: the file is not a mapping of sections; write it as in 'api:' and its keys below"},
      {"api\n", "f:1: the file is not a mapping of sections; write it as in 'api:' and its keys below"},
      {"log:\n  level: info\n---\nlog:\n",
       "f:3: a second YAML document begins here; keep one document in the file"},
      {"log: &l\n  level: info\n", "f:1: anchors are not supported; write the value where it is wanted"},
      {"log:\n  level: !!str info\n", "f:2: the tag 'tag:yaml.org,2002:str' is not supported; leave it out"},
      {"log:\n  level: \"info\n", "f:2: a quote is not closed on its line; close it"},
      {"log: ['level: info\n  b']\n", "f:1: a quote is not closed on its line; close it"},
      {"log: {level: 'it'' is\n info'}\n", "f:1: a quote is not closed on its line; close it"},
      {"log: {\"\xC3\xA9\xC3\xA9\": 'x}\n", "f:1: a quote is not closed on its line; close it"},
      {"\xEF\xBB\xBFlog: 'x\n", "f:1: a quote is not closed on its line; close it"},
      {std::string("log:\n\0", 6), "f:2: the file is not UTF-8 text; save it as UTF-8"},
      {"# caf\xE9\n", "f:1: the file is not UTF-8 text; save it as UTF-8"},
      {std::string((1 << 20) + 1, '#'), "f: is larger than 1 MiB"},
  });
}

TEST_CASE("anchors, aliases, tags and a second document hide no other fault") {
  const auto lines = faults_of(
      "api:\n  base_url: &x https://a.example\n  sesions: 8\nspool:\n  directory: *x\n  settle: !s 1\n"
      "admin:\n  hosts: [*x, b.example]\nlog: *x\n*x : 1\n---\nbatch: &y\n  max: 1\n");
  const std::vector<std::string> expected{
      "f:2: anchors are not supported; write the value where it is wanted",
      "f:3: api.sesions: unknown key; did you mean sessions?",
      "f:5: aliases are not supported; write the value out",
      "f:6: the tag '!s' is not supported; leave it out",
      "f:6: spool.settle: '1' is not a duration; write a whole number with ms, s, m, h or d, as in 10s",
      "f:8: aliases are not supported; write the value out",
      "f:9: aliases are not supported; write the value out",
      "f:10: aliases are not supported; write the value out",
      "f:11: a second YAML document begins here; keep one document in the file",
  };
  CHECK(lines == expected);
}

TEST_CASE("a syntax error below an anchor is told with it") {
  const auto lines = faults_of("log: &l\n  level: info\napi: [\n");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("f:1: anchors are not supported"));
  CHECK(lines[1].find(": not YAML: ") != std::string::npos);
}

TEST_CASE("a syntax error is one fault with its line") {
  for (const std::string text :
       {"api:\n\tsessions: 8\n", "api:\n  sessions: [8\n", "api:\n sessions: 8\n  x: 1\n"}) {
    CAPTURE(text);
    const auto outcome = parse_config(text, "f");
    CAPTURE(usherd::format_faults(outcome));
    REQUIRE(outcome.faults.size() == 1);
    CHECK(outcome.faults[0].line > 1);
    CHECK(outcome.faults[0].message.starts_with("not YAML: "));
  }
}

TEST_CASE("quotes are found closed whatever stands between them") {
  for (const std::string text :
       {R"(log: {"level": 'info'})", R"(log: {level: "\x69nfo"})", R"("l\x6fg": {level: info})",
        "# \xC3\xA9\nlog: {level: info, format: \"auto\"} # \xC3\xA9 \"\n"}) {
    CAPTURE(text);
    CHECK(usherd::format_faults(parse_config(text, "f")).empty());
  }
  CHECK(faults_of(R"(api: {ca_file: '/it''s'})").empty());
  CHECK(faults_of(R"(api: {ca_file: "/a\"b"})").empty());
}

TEST_CASE("deep nesting is refused and does not exhaust the stack") {
  CHECK_FALSE(parse_config(std::string(100'000, '['), "f").good());
  CHECK_FALSE(parse_config("a: " + std::string(40, '[') + std::string(40, ']'), "f").good());
}

TEST_CASE("all faults of a file are told at once, in the order of their lines") {
  const auto lines = faults_of(
      "limits:\n  in_progress_operations: 10\n  burts: 2\nbatch:\n  linger: 1\n  max_records: 11\napi:\n  "
      "sessions: 0\n");
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].starts_with("f:3: limits.burts: unknown key"));
  CHECK(lines[1].starts_with("f:5: batch.linger: "));
  CHECK(lines[2].starts_with("f:6: batch.max_records: a batch of 11"));
  CHECK(lines[3].starts_with("f:8: api.sessions: 0 is out of range"));
}

TEST_CASE("the number of faults that are told is bounded") {
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += "key" + std::to_string(i) + ": 1\n";
  const auto lines = faults_of(text);
  REQUIRE(lines.size() == 101);
  CHECK(lines.back() == "f: and 400 more faults");
}

TEST_CASE("a tab in the indentation is named, as editors do not show it") {
  for (const auto* text : {"api:\n\tkey_file: /k\n", "api:\n  key_file: /k\n \tsessions: 3\n"}) {
    CAPTURE(text);
    const auto outcome = parse_config(text, "f");
    REQUIRE_FALSE(outcome.faults.empty());
    CHECK(format_faults(outcome).find("a tab in the indentation; indent with spaces") != std::string::npos);
  }
}

TEST_CASE("foreign text in a fault is made printable") {
  const auto lines = faults_of("\"a\\e[31mb\": 1\n");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("f:1: a\\x1b[31mb: unknown key"));
}
