#include "usherd/app/config_report.hpp"

#include "src/app/named_files.hpp"
#include "usherd/app/config_proxy.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <iterator>

namespace usherd {
namespace {

std::string describe_limits(const Config& config) {
  const auto records = effective_max_records(config);
  const auto& limits = config.limits;
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "  batches of at most {} records{} and {}\n", records,
                 config.batch.max_records == 0 ? " (auto)" : "", format_size(config.batch.max_bytes));
  fmt::format_to(out, "  in progress at most {} batches and {} operations\n", limits.in_progress_batches,
                 limits.in_progress_operations);
  if (records * limits.in_progress_batches > limits.in_progress_operations)
    fmt::format_to(out, "  full batches reach the operations first, with {} in progress\n",
                   limits.in_progress_operations / records);
  fmt::format_to(out, "  {} sessions, {} requests a second, {} at once after a quiet time\n",
                 config.api.sessions, limits.requests_per_second, limits.burst);
  return text;
}

std::string describe_places(const Config& config) {
  const auto& listen = config.admin.listen;
  return fmt::format("  spool {}, state {}\n  status page {}, socket {}\n", config.spool.directory,
                     config.state.directory, listen.empty() ? "off" : "at http://" + listen + "/",
                     config.admin.socket);
}

}  // namespace

ConfigReport report_config(const ConfigOutcome& outcome, const Environment& environment) {
  const auto file = printable(outcome.file, 1000);
  ConfigOutcome all{outcome.file, {}, outcome.faults, {}};
  std::string notes;
  bool no_key = false;
  // Who checks need not be the user who runs the service, and may well be kept from its secrets.
  for (auto& named : check_named_files(outcome, environment)) {
    no_key = no_key || (named.missing && named.fault.message.starts_with("API key: "));
    if (named.denied)
      notes += fmt::format("{}: not checked: {}\n", file, named.fault.message);
    else
      insert_by_line(all.faults, std::move(named.fault));
  }
  // Only the service manager knows of one, and hands it to the service alone.
  if (no_key)
    notes += fmt::format(
        "{}: not checked: whether the service gets its key as a systemd credential; with LoadCredential= "
        "ask: "
        "systemd-run --pipe --wait -p LoadCredential=api-key:FILE usherd check --online\n",
        file);
  for (auto& named : check_named_places(outcome))
    insert_by_line(all.faults, std::move(named.fault));
  if (!all.good())
    return {ExitCode::config, "", format_faults(all) + notes};
  const auto& api = outcome.config.api;
  ConfigReport report;
  report.err = notes;
  report.out = fmt::format("{}: configuration is good\n  API at {}", file, api.base_url);
  if (const auto proxy = choose_proxy(api, environment); proxy && *proxy)
    report.out += fmt::format(", through the proxy {}", (*proxy)->host_port());
  report.out += "\n" + describe_limits(outcome.config) + describe_places(outcome.config);
  return report;
}

}  // namespace usherd
