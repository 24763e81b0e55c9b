#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/ports/transport.hpp"

#include <cstdint>
#include <optional>

namespace usherd {

/// What one try to POST a batch gave.
struct PostTry {
  Progress progress = Progress::nothing;
  bool answered = false;         ///< a whole answer came
  bool body_changed = false;     ///< the files of the batch are not what was frozen
  bool body_unreadable = false;  ///< the disk did not give them now; what was written is not the whole body
  unsigned status = 0;           ///< of the answer
  bool has_job = false;          ///< a 2xx with a job id
  bool is_api_error = false;     ///< the API's own JSON error body
  bool replayed = false;  ///< a 401 though the API key is good: likely the stored answer to an earlier try
};

/// What is known of a batch's present key.
struct KeyHistory {
  bool unanswered = false;  ///< a whole body went out under it and no answer told what became of it
  bool replays = false;     ///< it draws a 401 that was stored for it, though the API key is good
  std::optional<BootTime>
      doubted_since;            ///< since when the server refuses it, which proves nothing after such a try
  unsigned server_errors = 0;   ///< plain 500s in a row
  unsigned cut_uploads = 0;     ///< resets before the last byte of the body, in a row
  unsigned refusals_alone = 0;  ///< 429s in a row with nothing else of ours in progress
  unsigned refusals_in_doubt = 0;  ///< 429s after such a try
};

/// What else bears on the decision.
struct PostContext {
  BootTime now{};
  std::uint64_t operations = 1;      ///< in the batch
  unsigned rekeyed = 0;              ///< keys of this batch given up because of plain 500s
  bool others_pass = false;          ///< other batches were accepted while this one drew 500s
  bool may_leave_key = true;         ///< there is room for another abandoned key
  bool others_may_post = false;      ///< other batches were accepted while this one drew stored 401s
  bool nothing_in_progress = false;  ///< nothing of ours but this batch, as far as is known
};

enum class PostStep : std::uint8_t {
  accepted,  ///< follow the job
  retry,     ///< same key, after a backoff
  wait,      ///< 429: same batch, after what the answer asks for
  park_credentials,
  park_endpoint,
  halve,         ///< two batches with new keys
  reject,        ///< the lone record, with the answer's code
  rekey,         ///< exception b: the key keeps its budget slot, another one goes out
  give_up,       ///< the lone record ends unknown (no_verdict)
  file_changed,  ///< its bytes are not those that were accepted
};

struct PostDecision {
  PostStep step = PostStep::retry;
  /// The answer proves that the batch did not run: the key is retired before the next try.
  bool retire_key = false;
  KeyHistory history;
  /// A 429 that an API may be replaying to this key alone: it tells nothing of what the organisation holds,
  /// and others need not wait for it.
  bool set_apart = false;
};

/// What to do after a try, by the table of events in docs/delivery.md. Pure.
[[nodiscard]] PostDecision decide(const PostTry& attempt, const KeyHistory& history,
                                  const PostContext& context);

}  // namespace usherd
