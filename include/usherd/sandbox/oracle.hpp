#pragma once

#include "usherd/sandbox/call.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace usherd::sandbox {

/// What the API saw and did, told outside the contract so that a test can assert it. Counts run since start
/// or reset.
struct Oracle {
  std::uint64_t posts = 0;  ///< batch POSTs read whole, by an accepted key
  std::uint64_t jobs_created = 0;
  std::uint64_t records_received = 0;      ///< in the jobs created
  std::uint64_t records_applied = 0;       ///< imported
  std::uint64_t records_failed = 0;        ///< named in /errors
  std::uint64_t applied_twice = 0;         ///< records of a key's batch applied once more under that key
  std::uint64_t bodies_applied_twice = 0;  ///< records of a body applied once more under whatever key
  std::uint64_t most_posts_by_key = 0;
  std::uint64_t keys = 0;
  std::uint64_t keys_with_two_bodies = 0;
  std::uint64_t peak_in_progress_batches = 0;
  std::uint64_t peak_in_progress_operations = 0;
  std::uint64_t answered_429 = 0;
  std::uint64_t early_after_retry_after = 0;  ///< requests that came before an announced wait was over
  std::uint64_t users_in_two_jobs = 0;        ///< users that stood in two unfinished jobs at once
  std::uint64_t users = 0;
  std::uint64_t max_sessions = 0;  ///< peak of concurrent API connections
  std::uint64_t sessions = 0;      ///< API connections accepted in all
  std::array<std::uint64_t, kCallNames.size()> requests{};
  std::map<std::string, std::map<unsigned, std::uint64_t>> codes;  ///< by call; 0: no answer was sent

  [[nodiscard]] std::uint64_t requests_of(Call call) const {
    return requests[static_cast<std::size_t>(call)];
  }
};

[[nodiscard]] std::string to_json(const Oracle& oracle);

}  // namespace usherd::sandbox
