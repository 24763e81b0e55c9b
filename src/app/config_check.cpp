#include "config_check.hpp"

#include "usherd/core/url.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace usherd {
namespace {

/// Whether `path` is `directory` or stands below it.
bool is_within(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

class Checker {
 public:
  Checker(const ConfigLines& lines, std::vector<ConfigFault>& faults) : lines_(lines), faults_(faults) {}

  /// At the first of the two keys that was given.
  void fault(const std::string& key, const std::string& other, std::string message, std::string hint) {
    const auto& at = lines_.contains(key) || !lines_.contains(other) ? key : other;
    const auto line = lines_.find(at);
    faults_.push_back({line == lines_.end() ? 0 : line->second, 0, at, std::move(message), std::move(hint)});
  }

 private:
  const ConfigLines& lines_;
  std::vector<ConfigFault>& faults_;
};

}  // namespace

void check_combinations(const Config& config, const ConfigLines& lines, std::vector<ConfigFault>& faults) {
  Checker check(lines, faults);
  const auto& operations = config.limits.in_progress_operations;
  if (config.batch.max_records > operations)
    check.fault("batch.max_records", "limits.in_progress_operations",
                fmt::format("a batch of {} records never fits {} operations in progress",
                            config.batch.max_records, operations),
                "lower batch.max_records, write auto, or raise limits.in_progress_operations");
  if (config.state.directory == config.spool.directory)
    check.fault("state.directory", "spool.directory", "state and spool are one directory",
                "give each its own");
  for (const auto& [key, directory] : {std::pair{"spool.directory", &config.spool.directory},
                                       std::pair{"state.directory", &config.state.directory}}) {
    if (is_within(*directory, config.admin.socket))
      check.fault(
          "admin.socket", key,
          fmt::format("the socket would take the place of {} {} or a folder above it", key, *directory),
          "keep it under /run/usherd");
  }
  constexpr std::array<std::string_view, 4> folders{"/incoming", "/working", "/done", "/rejected"};
  for (const auto folder : folders) {
    if (is_within(config.state.directory, config.spool.directory + std::string(folder)))
      check.fault("state.directory", "spool.directory",
                  fmt::format("state stands in the spool's folder {}", folder.substr(1)),
                  "give it a directory of its own");
    if (is_within(config.api.key_file, config.spool.directory + std::string(folder)))
      check.fault("api.key_file", "spool.directory",
                  fmt::format("the key stands in the spool's folder {}", folder.substr(1)),
                  "keep it under /etc/usherd");
    if (is_within(config.admin.socket, config.spool.directory + std::string(folder)))
      check.fault("admin.socket", "spool.directory",
                  fmt::format("the socket stands in the spool's folder {}", folder.substr(1)),
                  "keep it under /run/usherd");
  }
  // A proxy carries https without reading it; of plain http it would see the key.
  const auto base = parse_url(config.api.base_url);
  if (base && !base->tls && !config.api.proxy.empty())
    check.fault("api.base_url", "api.proxy", "http:// would send the API key in clear text through api.proxy",
                "use https://, or leave api.proxy empty");
}

}  // namespace usherd
