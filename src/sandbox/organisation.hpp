#pragma once

#include "src/sandbox/access.hpp"
#include "src/sandbox/batch_body.hpp"
#include "src/sandbox/fault_table.hpp"
#include "src/sandbox/job_table.hpp"
#include "src/sandbox/json_fields.hpp"
#include "src/sandbox/key_book.hpp"
#include "src/sandbox/key_store.hpp"
#include "src/sandbox/rate_limiter.hpp"
#include "src/sandbox/user_store.hpp"
#include "src/sandbox/users_in_flight.hpp"
#include "usherd/core/random.hpp"
#include "usherd/sandbox/oracle.hpp"
#include "usherd/sandbox/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace usherd::sandbox {

/// Everything one organisation is on the server's side: settings, users, jobs, keys, and the oracle's notes
/// of them. No I/O and no clock: time is passed and never runs backwards. One thread.
class Organisation {
 public:
  Organisation(Settings settings, std::string key, std::uint64_t seed);

  Settings settings;
  Random random;
  Access access;
  FaultTable faults;
  RateLimiter limiter;
  KeyStore kept_answers;
  KeyBook book;
  JobTable jobs;
  UserStore users;
  UsersInFlight in_flight;
  BodyParser parser;

  /// Ends and applies every job that is due.
  void tick(WallTime now);
  /// Ends and applies the unfinished jobs, or the one of that id, at once; returns how many.
  std::size_t finish_jobs(WallTime now, std::string_view id);
  /// Takes a job in and counts it.
  Job& enter(Job job, WallTime now);
  /// Forgets users, jobs, keys and counts; settings, faults and the API key stay.
  void reset();

  void arrived(Call call, WallTime now);
  /// An answer was decided on; 0: none is sent.
  void answered(Call call, unsigned status);
  /// A 429 told the client to wait until then.
  void told_to_wait(WallTime now, std::optional<WallTime> until);
  void posted(std::string_view key, std::uint64_t digest);
  void session_opened();
  void session_closed() { --open_sessions_; }

  [[nodiscard]] Oracle oracle() const;
  [[nodiscard]] Quirks quirks() const;
  /// A new opaque job id; it holds '/' and '='.
  [[nodiscard]] std::string new_job_id(std::uint64_t number);
  [[nodiscard]] std::uint64_t next_job_number() { return ++job_numbers_; }

 private:
  void finish(std::vector<Job*> ended);
  void apply(Job& job);
  void apply_records(Job& job);
  void apply_record(Job& job, simdjson::dom::element record);
  void shuffle(std::vector<Job*>& jobs_to_apply);

  Oracle counts_;
  std::uint64_t open_sessions_ = 0;
  std::uint64_t job_numbers_ = 0;
  WallTime told_at_{};
  std::optional<WallTime> wait_until_;
};

}  // namespace usherd::sandbox
