#pragma once

#include "usherd/core/log.hpp"
#include "usherd/core/units.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace usherd {

inline constexpr std::uint64_t kMostBatchRecords = 50'000;
inline constexpr std::uint64_t kMostInProgressBatches = 200;
inline constexpr std::uint64_t kMostInProgressOperations = 500'000;

struct ApiConfig {
  std::string base_url = "https://api.fullstory.com";
  std::string key_file = "/etc/usherd/api.key";
  std::string ca_file;                 ///< empty: the system's roots alone
  std::string proxy;                   ///< empty: what the environment says, see config_proxy.hpp
  std::string proxy_credentials_file;  ///< empty: none
  unsigned sessions = 8;
  Milliseconds connect_timeout{10'000};
  Milliseconds request_timeout{60'000};
  bool operator==(const ApiConfig&) const = default;
};

struct SpoolConfig {
  std::string directory = "/var/spool/usherd";
  Milliseconds settle{10'000};
  Milliseconds rescan{15'000};
  Milliseconds keep_done{std::chrono::days{7}};
  Milliseconds keep_rejected{std::chrono::days{90}};
  std::uint64_t min_free = 256ULL << 20;     ///< bytes
  std::uint64_t max_unpacked = 64ULL << 30;  ///< bytes
  std::uint64_t max_ratio = 200;
  bool operator==(const SpoolConfig&) const = default;
};

struct StateConfig {
  std::string directory = "/var/lib/usherd";
  bool operator==(const StateConfig&) const = default;
};

struct BatchConfig {
  std::uint64_t max_records = 0;  ///< 0: auto, see effective_max_records
  std::uint64_t max_bytes = 8ULL << 20;
  Milliseconds linger{1000};
  std::uint64_t lookahead = 1'000'000;  ///< records
  bool operator==(const BatchConfig&) const = default;
};

struct LimitsConfig {
  std::uint64_t in_progress_batches = 90;
  std::uint64_t in_progress_operations = 450'000;
  double requests_per_second = 20;
  std::uint64_t burst = 40;
  Milliseconds job_timeout{0};  ///< 0: a job is followed for ever
  bool operator==(const LimitsConfig&) const = default;
};

enum class AnonymousRecords : std::uint8_t { reject, accept };

struct RecordsConfig {
  AnonymousRecords anonymous = AnonymousRecords::reject;
  bool merge = true;
  bool operator==(const RecordsConfig&) const = default;
};

struct AdminConfig {
  std::string listen = "127.0.0.1:9786";  ///< empty: no HTTP; port 0: any free one
  std::vector<std::string> hosts;         ///< lower case
  std::string socket = "/run/usherd/admin.sock";
  bool operator==(const AdminConfig&) const = default;
};

enum class LogFormatChoice : std::uint8_t { automatic, json };

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormatChoice format = LogFormatChoice::automatic;
  bool operator==(const LogConfig&) const = default;
};

/// The configuration file as plain values, checked and with its defaults filled in. Directories and files are
/// absolute and without a final slash.
struct Config {
  ApiConfig api;
  SpoolConfig spool;
  StateConfig state;
  BatchConfig batch;
  LimitsConfig limits;
  RecordsConfig records;
  AdminConfig admin;
  LogConfig log;
  Milliseconds stop_timeout{30'000};
  bool operator==(const Config&) const = default;
};

/// What `auto` means: as many records as fill the operations with all batches in progress; from 1 to 50000.
[[nodiscard]] std::uint64_t auto_max_records(const LimitsConfig& limits);

/// batch.max_records as given, or what `auto` means.
[[nodiscard]] std::uint64_t effective_max_records(const Config& config);

}  // namespace usherd
