#include "usherd/core/log_event.hpp"
#include "usherd/submit/park_fact.hpp"
#include "usherd/submit/submitter.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

// What tries and ends of submissions leave behind: words in the log, and what the next ones learn from them.

namespace usherd {
namespace {

constexpr unsigned kRefusalsToPark = 20;

}  // namespace

/// Said once until it can be read again: it goes on by itself, and holds no other batch up meanwhile.
void Submitter::note_unreadable(const Attempt& tried, ActiveBatch& batch) const {
  const bool unreadable = tried.outcome.body_unreadable;
  if (unreadable == std::exchange(batch.is_unreadable, unreadable))
    return;
  const auto name = fmt::format("batch {}", batch.row.id);
  if (unreadable)
    parts_.recorder.note_stalled(name, tried.reply.exchange.failure->message);
  else
    parts_.recorder.note_moving(name);
  if (unreadable)
    parts_.log.error("batch {} cannot be sent, as what it sends cannot be read: {}; it is tried again",
                     batch.row.id, tried.reply.exchange.failure->message);
  else
    parts_.log.info("batch {} can be read again", batch.row.id);
}

/// Said when a key begins to draw a stored 401, and when it is given up for that.
void Submitter::note_replays(const Attempt& tried, const PostDecision& decision,
                             const ActiveBatch& batch) const {
  if (decision.history.replays && !batch.history.replays)
    parts_.log.warn("batch {}: answered 401 though GET /me takes the API key: it is tried again by itself",
                    batch.row.id);
  if (decision.retire_key && tried.outcome.replayed)
    parts_.log.warn(
        "batch {}: what its key drew for ten minutes was the answer to an earlier try: another key goes out",
        batch.row.id);
}

void Submitter::note_end(SubmitEnd end, const Attempt& tried, ActiveBatch& batch) {
  const auto half = batch.row.body_length / 2;
  if (end == SubmitEnd::halve && tried.outcome.status == 413)
    stats_.lesson.refused(half);
  if (end == SubmitEnd::halve && !tried.outcome.answered)
    stats_.lesson.cut(half, parts_.timers.now().boot);
  if (end == SubmitEnd::reject)
    note_refusal(tried.code());
  if (end == SubmitEnd::rekey) {
    ++batch.rekeyed_for_errors;
    batch.is_blamed = batch.is_blamed || others_passed(batch);
  }
  if (tried.outcome.status == 500 && !others_passed(batch))
    stats_.last_lone_rekey = parts_.timers.now().boot;
}

void Submitter::note_refusal(const std::string& code) {
  stats_.refusals_in_a_row = code == stats_.refusal_code ? stats_.refusals_in_a_row + 1 : 1;
  stats_.refusal_code = code;
  if (stats_.refusals_in_a_row < kRefusalsToPark)
    return;
  parts_.log.error("{} lone records in a row refused with {}: mend what it names, then 'usherd resume'",
                   stats_.refusals_in_a_row, log_code(code));
  stats_.refusals_in_a_row = 0;
  stats_.refused_unnoted = !parts_.api.gate().parking().holds(ParkReason::refused);
  parts_.api.gate().park(ParkReason::refused);
}

/// A fact of the ledger, until an operator resumes: each start would cost another twenty records.
boost::asio::awaitable<bool> Submitter::note_parked() {
  if (!std::exchange(stats_.refused_unnoted, false))
    co_return true;
  auto fact = park_fact(parts_.api.gate().parking(), ParkReason::refused, parts_.timers.now());
  GroupCommit::Change change = [fact = std::move(fact)](Ledger& ledger) {
    return ledger.set_fact(to_string(ParkReason::refused), fact);
  };
  co_return co_await parts_.recorder.record(std::move(change));
}

}  // namespace usherd
