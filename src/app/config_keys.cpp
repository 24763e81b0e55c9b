#include "config_keys.hpp"

#include "nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace usherd {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

using Node = const YamlNode&;

constexpr std::uint64_t kKiB = 1ULL << 10;
constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kTiB = 1ULL << 40;

Verdict read_max_records(Node node, std::uint64_t& into) {
  if (node.kind == YamlNode::Kind::scalar && node.text == "auto") {
    into = 0;
    return std::nullopt;
  }
  auto objection = read_whole(node, {1, kMostBatchRecords}, into);
  if (objection)
    objection->hint = fmt::format("write auto, or a number from 1 to {}", kMostBatchRecords);
  return objection;
}

Verdict read_anonymous(Node node, AnonymousRecords& into) {
  return read_word(node, {{"reject", AnonymousRecords::reject}, {"accept", AnonymousRecords::accept}}, into);
}

Verdict read_level(Node node, LogLevel& into) {
  return read_word(node,
                   {{"error", LogLevel::error},
                    {"warning", LogLevel::warning},
                    {"info", LogLevel::info},
                    {"debug", LogLevel::debug}},
                   into);
}

Verdict read_format(Node node, LogFormatChoice& into) {
  return read_word(node, {{"auto", LogFormatChoice::automatic}, {"json", LogFormatChoice::json}}, into);
}

// The least batch body holds the longest record and its frame, so that every record fits some batch.
constexpr Range kBatchBytes{2 * kMiB, 64 * kMiB};
/// One request in a quarter of an hour. With much less the time until the next one is beyond what clocks
/// count.
constexpr double kSlowest = 0.001;

// clang-format off: a table, a key a line.
constexpr auto kKeys = std::to_array<ConfigKey>({
    {"api", "base_url", [](Node n, Config& c) { return read_base_url(n, c.api.base_url); }},
    {"api", "key_file", [](Node n, Config& c) { return read_secret_file(n, c.api.key_file); }},
    {"api", "ca_file", [](Node n, Config& c) { return read_path(n, c.api.ca_file); }, true},
    {"api", "proxy", [](Node n, Config& c) { return read_proxy(n, c.api.proxy); }, true},
    {"api", "proxy_credentials_file",
     [](Node n, Config& c) { return read_secret_file(n, c.api.proxy_credentials_file); }, true},
    {"api", "sessions",
     [](Node n, Config& c) {
       return read_whole(n, {1, 64}, c.api.sessions);
     }},
    {"api", "connect_timeout",
     [](Node n, Config& c) {
       return read_duration(n, {Milliseconds{100}, minutes{10}}, c.api.connect_timeout);
     }},
    {"api", "request_timeout",
     [](Node n, Config& c) {
       return read_duration(n, {Milliseconds{100}, hours{1}}, c.api.request_timeout);
     }},
    {"spool", "directory", [](Node n, Config& c) { return read_directory(n, c.spool.directory); }},
    {"spool", "settle",
     [](Node n, Config& c) {
       return read_duration(n, {Milliseconds{0}, days{1}}, c.spool.settle);
     }},
    {"spool", "rescan",
     [](Node n, Config& c) {
       return read_duration(n, {Milliseconds{100}, days{1}}, c.spool.rescan);
     }},
    {"spool", "keep_done",
     [](Node n, Config& c) {
       return read_duration(n, {Milliseconds{0}, days{36500}}, c.spool.keep_done);
     }},
    {"spool", "keep_rejected",
     [](Node n, Config& c) {
       return read_duration(n, {seconds{1}, days{36500}}, c.spool.keep_rejected);
     }},
    {"spool", "min_free",
     [](Node n, Config& c) {
       return read_size(n, {kMiB, kTiB}, c.spool.min_free);
     }},
    {"spool", "max_unpacked",
     [](Node n, Config& c) {
       return read_size(n, {kMiB, 1024 * kTiB}, c.spool.max_unpacked);
     }},
    {"spool", "max_ratio",
     [](Node n, Config& c) {
       return read_whole(n, {2, 100'000}, c.spool.max_ratio);
     }},
    {"state", "directory", [](Node n, Config& c) { return read_directory(n, c.state.directory); }},
    {"batch", "max_records", [](Node n, Config& c) { return read_max_records(n, c.batch.max_records); }},
    {"batch", "max_bytes", [](Node n, Config& c) { return read_size(n, kBatchBytes, c.batch.max_bytes); }},
    {"batch", "linger",
     [](Node n, Config& c) { return read_duration(n, {Milliseconds{0}, hours{1}}, c.batch.linger); }},
    {"batch", "lookahead",
     [](Node n, Config& c) { return read_whole(n, {1, 10'000'000}, c.batch.lookahead); }},
    {"limits", "in_progress_batches",
     [](Node n,
        Config& c) { return read_whole(n, {1, kMostInProgressBatches}, c.limits.in_progress_batches); }},
    {"limits", "in_progress_operations",
     [](Node n,
        Config&
            c) { return read_whole(n, {1, kMostInProgressOperations}, c.limits.in_progress_operations); }},
    {"limits", "requests_per_second",
     [](Node n, Config& c) { return read_rate(n, kSlowest, 10'000, c.limits.requests_per_second); }},
    {"limits", "burst", [](Node n, Config& c) { return read_whole(n, {1, 10'000}, c.limits.burst); }},
    {"limits", "job_timeout",
     [](Node n, Config& c) { return read_duration(n, {Milliseconds{0}, days{3650}}, c.limits.job_timeout); }},
    {"records", "anonymous", [](Node n, Config& c) { return read_anonymous(n, c.records.anonymous); }},
    {"records", "merge", [](Node n, Config& c) { return read_switch(n, c.records.merge); }},
    {"admin", "listen", [](Node n, Config& c) { return read_listen(n, c.admin.listen); }, true},
    {"admin", "hosts", [](Node n, Config& c) { return read_hosts(n, c.admin.hosts); }},
    {"admin", "socket", [](Node n, Config& c) { return read_socket_path(n, c.admin.socket); }},
    {"log", "level", [](Node n, Config& c) { return read_level(n, c.log.level); }},
    {"log", "format", [](Node n, Config& c) { return read_format(n, c.log.format); }},
    {"", "stop_timeout",
     [](Node n, Config& c) { return read_duration(n, {Milliseconds{0}, hours{1}}, c.stop_timeout); }},
});
// clang-format on

std::string list_of(const std::vector<std::string_view>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string ConfigKey::path() const {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

std::span<const ConfigKey> config_keys() {
  return kKeys;
}

const ConfigKey* find_config_key(std::string_view section, std::string_view name) {
  const auto* const found = std::find_if(kKeys.begin(), kKeys.end(), [&](const ConfigKey& key) {
    return key.section == section && key.name == name;
  });
  return found == kKeys.end() ? nullptr : found;
}

bool is_config_section(std::string_view name) {
  return !name.empty() &&
         std::any_of(kKeys.begin(), kKeys.end(), [&](const ConfigKey& key) { return key.section == name; });
}

std::string hint_for_unknown_key(std::string_view section, std::string_view name) {
  std::vector<std::string_view> here;
  for (const auto& key : kKeys) {
    const auto candidate = section.empty() && !key.section.empty() ? key.section : key.name;
    if ((section.empty() || key.section == section) && (here.empty() || here.back() != candidate))
      here.push_back(candidate);
  }
  if (const auto near = nearest(name, here); !near.empty())
    return fmt::format("did you mean {}?", near);
  for (const auto& key : kKeys) {
    if (key.name == name)
      return fmt::format("{} stands {}", name,
                         key.section.empty() ? "at the top" : fmt::format("under {}:", key.section));
  }
  return fmt::format("known here: {}", list_of(here));
}

}  // namespace usherd
