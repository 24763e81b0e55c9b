#include "usherd/app/config_report.hpp"

#include "usherd/adapters/https_transport.hpp"
#include "usherd/app/api_key.hpp"
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
  if (!outcome.good())
    return {ExitCode::config, "", format_faults(outcome)};
  const auto& api = outcome.config.api;
  const auto file = printable(outcome.file, 1000);
  std::string faults;
  std::string notes;
  // Who checks need not be the user who runs the service, and may well be kept from its secrets.
  const auto blame = [&](const Error& error) {
    if (error.code == Errc::denied)
      notes += fmt::format("{}: not checked: {}\n", file, error.message);
    else
      faults += fmt::format("{}: {}\n", file, error.message);
  };
  const auto proxy = choose_proxy(api, environment);
  if (!proxy)
    blame(proxy.error());
  if (const auto key = read_api_key(api.key_file, environment); !key)
    blame(key.error());
  if (!api.ca_file.empty()) {
    if (const auto roots = check_ca_file(api.ca_file); !roots)
      blame(roots.error());
  }
  if (!api.proxy_credentials_file.empty()) {
    if (const auto credentials = read_proxy_credentials(api.proxy_credentials_file); !credentials)
      blame(credentials.error());
  }
  if (!faults.empty())
    return {ExitCode::config, "", faults + notes};
  ConfigReport report;
  report.err = notes;
  report.out = fmt::format("{}: configuration is good\n  API at {}", file, api.base_url);
  if (*proxy)
    report.out += fmt::format(", through the proxy {}", (*proxy)->host_port());
  report.out += "\n" + describe_limits(outcome.config) + describe_places(outcome.config);
  return report;
}

}  // namespace usherd
