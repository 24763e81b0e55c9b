#include "usherd/app/environment.hpp"

#include "src/app/daemon_parts.hpp"
#include "tests/fakes/temp_directory.hpp"
#include "usherd/app/config_proxy.hpp"
#include "usherd/app/config_reload.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using usherd::choose_proxy;
using usherd::Environment;
using usherd::LogFormat;
using usherd::LogFormatChoice;

namespace {

using Variables = std::map<std::string, std::string>;

Environment of(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

/// "host:port", "-" for none, or the error.
std::string chosen(const usherd::ApiConfig& api, const Variables& variables) {
  const auto proxy = choose_proxy(api, of(variables));
  if (!proxy)
    return proxy.error().message;
  return *proxy ? (*proxy)->host_port() : "-";
}

}  // namespace

TEST_CASE("the proxy comes from the configuration, else from the environment") {
  usherd::ApiConfig api;
  CHECK(chosen(api, {}) == "-");
  CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128"}}) == "p:3128");
  CHECK(chosen(api, {{"HTTPS_PROXY", "p:3128"}}) == "p:3128");
  CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128/"}, {"https_proxy", "http://q:1"}}) == "q:1");
  CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128"}, {"https_proxy", ""}}) == "p:3128");
  CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128"}, {"NO_PROXY", "x.example, fullstory.com"}}) == "-");
  CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128"}, {"no_proxy", "api.fullstory.com:8443"}}) == "p:3128");
  CHECK(chosen(api, {{"HTTP_PROXY", "http://p:3128"}}) == "-");
  api.proxy = "http://mine:8080";
  CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128"}, {"NO_PROXY", "*"}}) == "mine:8080");
}

TEST_CASE("user and password come from the variable where no file has them") {
  usherd::Config config;
  const auto sent = [&](const std::string& variable) {
    const auto options = usherd::https_options(config, of({{"HTTPS_PROXY", variable}}));
    REQUIRE(options.has_value());
    REQUIRE(options->proxy.has_value());
    CHECK(options->proxy->host_port() == "p:3128");
    return std::string(options->proxy->credentials ? options->proxy->credentials->reveal() : "");
  };
  CHECK(sent("http://p:3128") == "");
  CHECK(sent("http://me:s3cret@p:3128") == "me:s3cret");
  CHECK(sent("me:p%40ss%2F@p:3128/") == "me:p@ss/");
  const usherd::fakes::TempDirectory folder;
  config.api.proxy_credentials_file = folder / "credentials";
  usherd::fakes::write_file(config.api.proxy_credentials_file, "you:other");
  std::filesystem::permissions(config.api.proxy_credentials_file, std::filesystem::perms::owner_read);
  CHECK(sent("http://me:s3cret@p:3128") == "you:other");
}

TEST_CASE("plain http never goes through the environment's proxy") {
  usherd::ApiConfig api;
  for (const std::string url : {"http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"}) {
    api.base_url = url;
    CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128"}}) == "-");
  }
}

TEST_CASE("https on loopback goes through the environment's proxy unless NO_PROXY names it") {
  usherd::ApiConfig api;
  for (const std::string host : {"127.0.0.1", "localhost", "[::1]"}) {
    api.base_url = "https://" + host + ":8443";
    CAPTURE(api.base_url);
    CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128"}}) == "p:3128");
    CHECK(chosen(api, {{"HTTPS_PROXY", "http://p:3128"}, {"NO_PROXY", "localhost,127.0.0.0/8,::1"}}) == "-");
  }
}

TEST_CASE("a proxy variable that cannot be used is an error without its password") {
  const usherd::ApiConfig api;
  const std::string remedy = "; set api.proxy, and api.proxy_credentials_file for its password";
  CHECK(chosen(api, {{"HTTPS_PROXY", "http://me:s3cret"}}) ==
        "HTTPS_PROXY: a proxy's address is http://host:port" + remedy);
  CHECK(chosen(api, {{"HTTPS_PROXY", "http://me:s3cret%@p:3128"}}) ==
        "HTTPS_PROXY: the proxy's credentials are not percent-encoded properly" + remedy);
  CHECK(chosen(api, {{"https_proxy", "https://me:s3cret@p:3128"}}) ==
        "https_proxy: only http:// proxies are spoken to" + remedy);
  CHECK(chosen(api, {{"https_proxy", "socks5://p:3128"}}).starts_with("https_proxy: "));
}

TEST_CASE("NO_PROXY exempts a host, a domain with all below it, addresses, or everything") {
  struct Row {
    std::string list;
    std::string url;
    bool exempt;
  };
  const Row rows[] = {
      {"", "https://a.example", false},
      {"b.example a.example", "https://a.example", true},
      {"b.example,*", "https://a.example", true},
      {"a.example.", "https://a.example", true},
      {"10.0.0.0/8", "https://10.1.2.3", true},
      {"10.1.0.0/24", "https://10.1.2.3", false},
      {"fd00::/8", "https://[fd00::1]", true},
      {"*", "https://a.example", true},
      {"a.example", "https://a.example", true},
      {"A.Example", "https://a.example", true},
      {"example", "https://a.example", true},
      {".example", "https://a.example", true},
      {"b.example,,a.example", "https://a.example", true},
      {"ample", "https://a.example", false},
      {"a.example:443", "https://a.example", true},
      {"a.example:444", "https://a.example", false},
      {"10.0.0.1", "https://10.0.0.1", true},
      {"0.0.1", "https://10.0.0.1", false},
      {"fd00::1", "https://[fd00::1]:8443", true},
      {"[fd00::1]:8443", "https://[fd00::1]:8443", true},
      {"[fd00::1]:1", "https://[fd00::1]:8443", false},
      {"no-host?, a.example", "https://a.example", true},
  };
  for (const auto& [list, url, exempt] : rows) {
    CAPTURE(list);
    CAPTURE(url);
    usherd::ApiConfig api;
    api.base_url = url;
    CHECK(chosen(api, {{"https_proxy", "p:3128"}, {"no_proxy", list}}) == (exempt ? "-" : "p:3128"));
  }
}

TEST_CASE("the log takes the journal's form only where stderr is the journal's stream") {
  const auto journal = of({{"JOURNAL_STREAM", "8:1234"}});
  CHECK(choose_log_format(LogFormatChoice::automatic, journal, 8, 1234) == LogFormat::journal);
  CHECK(choose_log_format(LogFormatChoice::automatic, journal, 8, 1235) == LogFormat::text);
  CHECK(choose_log_format(LogFormatChoice::automatic, of({}), 8, 1234) == LogFormat::text);
  CHECK(choose_log_format(LogFormatChoice::json, journal, 8, 1234) == LogFormat::json);
}

TEST_CASE("a reload keeps directories and listeners, and takes everything else") {
  const usherd::Config running;
  usherd::Config fresh;
  fresh.api.sessions = 3;
  fresh.admin.hosts = {"status.example.com"};
  CHECK(reload_config(running, fresh).config == fresh);
  CHECK(reload_config(running, fresh).waiting.empty());
  fresh.spool.directory = "/s";
  fresh.state.directory = "/t";
  fresh.admin.listen = "";
  fresh.admin.socket = "/run/s";
  const auto reloaded = reload_config(running, fresh);
  CHECK(reloaded.waiting ==
        std::vector<std::string>{"spool.directory", "state.directory", "admin.listen", "admin.socket"});
  CHECK(reloaded.config.spool.directory == running.spool.directory);
  CHECK(reloaded.config.admin.listen == running.admin.listen);
  CHECK(reloaded.config.api.sessions == 3);
}
