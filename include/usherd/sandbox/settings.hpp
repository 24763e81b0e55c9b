#pragma once

#include "usherd/core/result.hpp"
#include "usherd/core/units.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace usherd::sandbox {

enum class Role : std::uint8_t { admin, architect, user };
enum class Region : std::uint8_t { any, na1, eu1 };
enum class Certificate : std::uint8_t { good, expired, wrong_host, unknown_authority };
enum class EmptyBatch : std::uint8_t { reject, accept };
enum class OverBody : std::uint8_t { json, html, reset };
enum class BadRecords : std::uint8_t { async, strict };
enum class UnknownMembers : std::uint8_t { ignore, reject };
enum class LengthUnit : std::uint8_t { characters, bytes };
enum class OversizedValue : std::uint8_t { drop, reject };
enum class ApplyOrder : std::uint8_t { order, random };
enum class Crossing : std::uint8_t { whole, before };
enum class RetryAfter : std::uint8_t { seconds, missing, zero, huge, http_date, garbage };
enum class Idempotency : std::uint8_t { newer, older, off };
enum class Merge : std::uint8_t { deep, shallow };
enum class Nulls : std::uint8_t { clear, ignore, reject };
enum class LastToken : std::uint8_t { absent, empty };
enum class FailedWord : std::uint8_t { failed, completed };
enum class ProcessingCounts : std::uint8_t { zero, partial };
enum class EmptyErrors : std::uint8_t { page, not_found };
enum class ErrorsListed : std::uint8_t { all, none };

/// How long a started job runs; a manual one runs until the control port finishes it.
struct JobTime {
  bool manual = false;
  Milliseconds fixed{200};
};

/// Every switch of the sandbox; docs/sandbox.md says what each does. A plain value: copied, changed, handed
/// back.
struct Settings {  // NOLINT(clang-analyzer-optin.performance.Padding): the order is that of docs/sandbox.md
  Role role = Role::admin;
  std::string email = "sandbox@usherd.test";
  std::string org_id = "o-SANDBOX-na1";
  Region region = Region::any;

  std::string base_path;
  bool listening = true;
  Certificate certificate = Certificate::good;
  Milliseconds idle_timeout{60'000};
  Milliseconds answer_time{0};
  std::uint64_t max_body = 64ULL << 20;
  OverBody over_body = OverBody::json;

  std::uint64_t max_items = 50'000;
  EmptyBatch empty_batch = EmptyBatch::reject;
  BadRecords bad_records = BadRecords::async;
  UnknownMembers unknown_members = UnknownMembers::ignore;
  LengthUnit length_unit = LengthUnit::characters;
  OversizedValue oversized_value = OversizedValue::drop;
  double record_error_probability = 0;
  std::string record_error_code = "invalid_parameter";
  std::string reject_uids_with;

  JobTime job_time;
  Milliseconds job_time_per_thousand{0};
  Milliseconds job_time_spread{0};
  ApplyOrder apply_order = ApplyOrder::order;
  Milliseconds retention{0};

  std::uint64_t running_batches = 100;
  std::uint64_t in_progress_batches = 200;
  std::uint64_t in_progress_operations = 500'000;
  Crossing crossing = Crossing::whole;
  double requests_per_second = 0;
  std::uint64_t burst = 40;
  RetryAfter retry_after = RetryAfter::seconds;
  std::uint64_t retry_after_seconds = 1;
  Milliseconds early_grace{100};

  Idempotency idempotency = Idempotency::newer;
  Milliseconds idempotency_life{86'400'000};
  std::uint64_t other_body = 400;
  std::uint64_t concurrent_key = 409;

  bool store_users = true;
  Merge merge = Merge::deep;
  Nulls nulls = Nulls::clear;

  std::uint64_t page_size = 1000;
  LastToken last_token = LastToken::absent;
  bool page_loop = false;
  Milliseconds token_life{0};
  std::int64_t total_records_off = 0;
  std::uint64_t results_lag = 0;
  std::string processing_word = "PROCESSING";
  FailedWord status_with_errors = FailedWord::failed;
  ProcessingCounts processing_counts = ProcessingCounts::zero;
  bool ended_counts = true;
  EmptyErrors empty_errors = EmptyErrors::page;
  ErrorsListed errors_listed = ErrorsListed::all;

  bool omit_defaults = false;
  bool explicit_nulls = false;
  bool extra_fields = false;
  bool shuffle_fields = false;
};

/// The settings with those named in a JSON object replaced. Nothing is changed when one of them is unknown or
/// has an impossible value; the error names it and what it takes.
[[nodiscard]] Result<Settings> with_json(Settings settings, std::string_view json);

/// The settings with one replaced, its value written as text ("true", "200ms", "64MiB", "random").
[[nodiscard]] Result<Settings> with_text(Settings settings, std::string_view name, std::string_view value);

/// All settings as one JSON object, in the form with_json() takes.
[[nodiscard]] std::string to_json(const Settings& settings);

}  // namespace usherd::sandbox
