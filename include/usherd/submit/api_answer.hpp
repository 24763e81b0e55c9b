#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/result.hpp"
#include "usherd/core/units.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// As the API names them; a word that is not known reads as processing.
enum class JobStatus : std::uint8_t { processing, completed, failed };

/// The longest job id that is kept; ids are opaque and may change their form.
inline constexpr std::size_t kMostJobIdBytes = 1024;
inline constexpr std::size_t kMostCodeBytes = 128;
inline constexpr std::size_t kMostMessageBytes = 1024;
/// Stands for an errors count that cannot be read: it agrees with nothing, so that the lists decide.
inline constexpr std::uint64_t kUnreadableCount = std::numeric_limits<std::uint64_t>::max();

/// A job as POST and GET /v2/users/batch give it. Counts mean something only once it is no longer processing.
struct JobAnswer {
  std::string id;  ///< opaque; empty when the answer named none
  JobStatus status = JobStatus::processing;
  bool status_known = false;   ///< false: the status was missing or a new word
  bool imports_given = false;  ///< proto3 JSON leaves a 0 out
  std::uint64_t imports = 0;   ///< 0 when not given or unreadable
  std::uint64_t errors = 0;    ///< 0 when not given; kUnreadableCount
  std::optional<WallTime> created;
  std::optional<WallTime> finished;
};

/// Reads the answer to a job status. `job` may be nested or not, members may be missing or null, counts may
/// be strings, unknown members are passed over; an answer without an id is fine. Errc::invalid: not a JSON
/// object, over 1 MiB, or an id over kMostJobIdBytes or with control characters.
[[nodiscard]] Result<JobAnswer> parse_job_answer(std::string_view body);

/// Reads the answer to the POST: as above, and without an id it is Errc::invalid.
[[nodiscard]] Result<JobAnswer> parse_created_job(std::string_view body);

/// The API's own error body.
struct ApiError {
  std::string code;     ///< at most kMostCodeBytes, as given
  std::string message;  ///< at most kMostMessageBytes, as given; never for a log
};

/// Nothing unless the body is a JSON object with a string `code` or `message`: what a proxy sends is no word
/// of the API's.
[[nodiscard]] std::optional<ApiError> parse_api_error(std::string_view body);

/// A code fit for logs and labels: at most 64 of [a-z0-9_.-], capitals made small, all else left out; "other"
/// when nothing is left.
[[nodiscard]] std::string log_code(std::string_view code);

/// Whose key it is, from GET /me.
struct Me {
  std::string org_id;
  std::string role;  ///< ADMIN, ARCHITECT, USER (may not read results), or another word
};

/// Members that are missing are empty. Errc::invalid: not a JSON object, or a text over 256 bytes or with
/// control characters.
[[nodiscard]] Result<Me> parse_me(std::string_view body);

/// How long a Retry-After asks to wait, at most 30 days: seconds, decimals rounded up, or an HTTP date, read
/// against the answer's own Date where there is one, else against `now`; 0 for a date that is past. Of a list
/// the first counts. Nothing for what is neither.
[[nodiscard]] std::optional<Milliseconds> parse_retry_after(std::string_view value,
                                                            std::string_view date_header, WallTime now);

}  // namespace usherd
