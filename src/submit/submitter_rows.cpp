#include "usherd/core/log_event.hpp"
#include "usherd/submit/send_age.hpp"
#include "usherd/submit/submitter.hpp"

#include <string>
#include <utility>
#include <vector>

// What submissions change in the ledger: always before the batch itself.

namespace usherd {

boost::asio::awaitable<bool> Submitter::accept(ActiveBatch& batch, const JobAnswer& job, WallTime submitted) {
  const auto id = batch.row.id;
  const auto name = job.id;
  const auto created = job.created;
  // How old the job is will be told from both: a clock may have been set in between.
  const auto sent = agreed(*batch.row.sent, send_time());
  GroupCommit::Change change = [id, name, created, submitted, sent](Ledger& ledger) {
    auto accepted = ledger.batch_accepted(id, name, created, submitted);
    return accepted ? ledger.set_sent(id, sent) : accepted;
  };
  const bool durable = co_await parts_.recorder.record(std::move(change));
  if (!durable)
    co_return false;
  batch.row.state = BatchState::accepted;
  batch.row.job = name;
  batch.row.job_created = created;
  batch.row.submitted = submitted;
  batch.row.sent = sent;
  std::vector<RecordSum>().swap(batch.sums);
  ++stats_.accepted;
  stats_.refusals_in_a_row = 0;
  parts_.recovery.accepted(batch);
  co_return true;
}

boost::asio::awaitable<bool> Submitter::new_key(ActiveBatch& batch, std::string reason) {
  const auto id = batch.row.id;
  const auto key = parts_.random.uuid();
  const bool abandons = !reason.empty();
  GroupCommit::Change change = [id, key, abandons, reason](Ledger& ledger) {
    return ledger.rekey(id, key, abandons, reason);
  };
  const bool durable = co_await parts_.recorder.record(std::move(change));
  if (!durable)
    co_return false;
  if (abandons) {
    log_event(parts_.log, LogLevel::warning, {LogEvent::batch_rekeyed, {}, id, batch.row.job, reason},
              "batch {}: key given up ({}), another one goes out", id, reason);
    ++batch.row.abandoned;
    batch.row.rekey_reason = reason;
    parts_.budget.leave_to_key(batch.operations());
    batch.has_place = false;
  }
  const auto refusals = batch.history.refusals_alone;
  batch.row.key = key;
  batch.row.sent.reset();
  batch.row.state = BatchState::frozen;
  batch.row.job.clear();
  // Nobody had this key before.
  batch.tried = true;
  batch.begun = false;
  batch.history = KeyHistory{};
  batch.history.refusals_alone = refusals;
  parts_.recovery.count_in(batch);
  batch.accepted_at_first_error.reset();
  batch.accepted_at_first_replay.reset();
  co_return true;
}

}  // namespace usherd
