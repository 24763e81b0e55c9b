#include "src/app/named_files.hpp"

#include "usherd/adapters/https_transport.hpp"
#include "usherd/app/api_key.hpp"
#include "usherd/app/config_proxy.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>

namespace usherd {
namespace {

class NamedFiles {
 public:
  explicit NamedFiles(const ConfigOutcome& outcome) : outcome_(outcome) {}

  /// A default says nothing about a file whose faults may hide what was meant.
  [[nodiscard]] bool was_read(std::string_view key) const {
    const auto is_of_key = [&](const ConfigFault& fault) { return fault.key == key; };
    return outcome_.good() || (outcome_.lines.contains(key) &&
                               std::none_of(outcome_.faults.begin(), outcome_.faults.end(), is_of_key));
  }
  /// Without `key` the fault stands at no line.
  void blame(std::string_view key, const Error& error) {
    const auto line = outcome_.lines.find(key);
    const unsigned at = line == outcome_.lines.end() ? 0 : line->second;
    faults_.push_back(
        {{at, 0, "", error.message, ""}, error.code == Errc::denied, error.code == Errc::not_found});
  }
  [[nodiscard]] std::vector<NamedFault> take() { return std::move(faults_); }

 private:
  const ConfigOutcome& outcome_;
  std::vector<NamedFault> faults_;
};

enum class Links : bool { refused, followed };

/// What a start cannot make a directory of, and does not take as one. What is not there may yet be made, and
/// what this process may not look at is no fault.
std::optional<Error> unfit_directory(const std::string& key, const std::string& path, Links links) {
  struct ::stat found {};
  const int failed = links == Links::followed ? ::stat(path.c_str(), &found) : ::lstat(path.c_str(), &found);
  if (failed == 0) {
    if (S_ISDIR(found.st_mode))
      return std::nullopt;
    return Error{Errc::invalid,
                 fmt::format("{} {}: is {}; name a directory, or a path where usherd can make one", key, path,
                             S_ISLNK(found.st_mode) ? "a symbolic link" : "not a directory")};
  }
  if (errno == ENOTDIR)
    return Error{Errc::invalid, fmt::format("{} {}: {} is not a directory, or is below none", key, path,
                                            std::filesystem::path(path).parent_path().string())};
  return std::nullopt;
}

/// The folder above it may yet be made by whoever starts usherd, as systemd makes /run/usherd.
std::optional<Error> unfit_socket(const std::string& path) {
  struct ::stat found {};
  if (path.empty() || ::lstat(path.c_str(), &found) != 0 || S_ISSOCK(found.st_mode))
    return std::nullopt;
  const auto* what = S_ISDIR(found.st_mode)   ? "a directory"
                     : S_ISREG(found.st_mode) ? "a file"
                                              : "something that is no socket";
  return Error{Errc::invalid, fmt::format("admin.socket {} names {}; give it another path", path, what)};
}

}  // namespace

std::vector<NamedFault> check_named_files(const ConfigOutcome& outcome, const Environment& environment) {
  const auto& api = outcome.config.api;
  NamedFiles named(outcome);
  if (named.was_read("api.base_url")) {
    if (const auto proxy = choose_proxy(api, environment); !proxy)
      named.blame("", proxy.error());
  }
  if (named.was_read("api.key_file")) {
    const auto key = read_api_key(api.key_file, environment);
    // The systemd credential wins, and stands at no line.
    if (!key)
      named.blame(key.error().message.find(api.key_file) == std::string::npos ? "" : "api.key_file",
                  key.error());
  }
  if (named.was_read("api.ca_file") && !api.ca_file.empty()) {
    if (const auto roots = check_ca_file(api.ca_file); !roots)
      named.blame("api.ca_file", roots.error());
  }
  if (named.was_read("api.proxy_credentials_file") && !api.proxy_credentials_file.empty()) {
    if (const auto credentials = read_proxy_credentials(api.proxy_credentials_file); !credentials)
      named.blame("api.proxy_credentials_file", credentials.error());
  }
  return named.take();
}

std::vector<NamedFault> check_named_places(const ConfigOutcome& outcome) {
  const auto& config = outcome.config;
  NamedFiles named(outcome);
  const auto check = [&named](std::string_view key, const std::optional<Error>& unfit) {
    if (unfit && named.was_read(key))
      named.blame(key, *unfit);
  };
  check("spool.directory", unfit_directory("spool.directory", config.spool.directory, Links::refused));
  check("state.directory", unfit_directory("state.directory", config.state.directory, Links::followed));
  check("admin.socket", unfit_socket(config.admin.socket));
  return named.take();
}

void add_named_faults(ConfigOutcome& outcome, const Environment& environment) {
  for (auto& named : check_named_files(outcome, environment))
    insert_by_line(outcome.faults, std::move(named.fault));
}

void insert_by_line(std::vector<ConfigFault>& faults, ConfigFault fault) {
  const auto later = [&fault](const ConfigFault& other) { return other.line > fault.line; };
  faults.insert(std::find_if(faults.begin(), faults.end(), later), std::move(fault));
}

}  // namespace usherd
