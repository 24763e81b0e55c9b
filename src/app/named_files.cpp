#include "src/app/named_files.hpp"

#include "usherd/adapters/https_transport.hpp"
#include "usherd/app/api_key.hpp"
#include "usherd/app/config_proxy.hpp"

#include <algorithm>

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
    faults_.push_back({{at, 0, "", error.message, ""}, error.code == Errc::denied});
  }
  [[nodiscard]] std::vector<NamedFault> take() { return std::move(faults_); }

 private:
  const ConfigOutcome& outcome_;
  std::vector<NamedFault> faults_;
};

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

void add_named_faults(ConfigOutcome& outcome, const Environment& environment) {
  for (auto& named : check_named_files(outcome, environment))
    insert_by_line(outcome.faults, std::move(named.fault));
}

void insert_by_line(std::vector<ConfigFault>& faults, ConfigFault fault) {
  const auto later = [&fault](const ConfigFault& other) { return other.line > fault.line; };
  faults.insert(std::find_if(faults.begin(), faults.end(), later), std::move(fault));
}

}  // namespace usherd
