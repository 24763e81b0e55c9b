#pragma once

#include "usherd/core/result.hpp"
#include "usherd/core/units.hpp"
#include "usherd/sandbox/call.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::sandbox {

/// What a fault does, in the order of the moments at which it acts.
enum class FaultAction : std::uint8_t {
  reset_before,        ///< arrival: the connection is reset, nothing else happens
  reset_mid_body,      ///< arrival: reset after `bytes` of the body
  hang,                ///< arrival: the request is read and never answered, nothing else happens
  redirect,            ///< arrival: 302 to `location`
  status,              ///< execution: answered with `code`; a `proxy` layer one acts at arrival
  delay,               ///< execution: done at once, answered after `delay`; its key is in use meanwhile
  job_stuck,           ///< execution: the job made never finishes
  job_vanish,          ///< execution: the job made is never applied and answers 404
  job_vanish_applied,  ///< execution: the job made is applied and answers 404
  job_fail,            ///< execution: the job made ends FAILED, nothing imported, no errors listed
  job_status,          ///< execution: the job made shows `word` when it has ended
  reset_after_commit,  ///< answer: everything is done, the connection is reset instead of an answer
  hang_after_commit,   ///< answer: everything is done, no answer ever comes
  slow_headers,        ///< answer: one header byte each `delay`
  slow_body,           ///< answer: one body byte each `delay`
  truncate,            ///< answer: half of the body, then closed
  garbage,             ///< answer: bytes that are not HTTP
  close_after          ///< answer: answered well, then closed without having said so
};

enum class FaultMoment : std::uint8_t { arrival, execution, answer };
enum class FaultBody : std::uint8_t { json, html, empty, truncated, oversized };

/// One rule of the fault table. It fires for requests of its call (and, when set, whose body holds that uid),
/// after the first `after` matches, at most `times` times, each time with `probability`.
struct FaultRule {
  std::optional<Call> call;  ///< none: any call
  double probability = 1;
  std::uint64_t after = 0;
  std::uint64_t times = ~0ULL;
  std::string batch_contains_uid;

  FaultAction action = FaultAction::status;
  unsigned code = 500;
  FaultBody body = FaultBody::json;
  bool proxy = false;       ///< answered in front of the API: neither executed nor kept under the key
  std::string retry_after;  ///< sent as it stands, when not empty
  std::string location;
  std::string word = "QUEUED";
  std::uint64_t bytes = 0;  ///< reset_mid_body: after so many; oversized: so large
  Milliseconds delay{1000};
};

[[nodiscard]] FaultMoment moment_of(const FaultRule& rule);

/// Rules from one JSON object or an array of them; the form is in docs/sandbox.md. Errors name the member.
[[nodiscard]] Result<std::vector<FaultRule>> parse_faults(std::string_view json);

}  // namespace usherd::sandbox
