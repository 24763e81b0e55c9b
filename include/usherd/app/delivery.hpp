#pragma once

#include "usherd/admin/tally.hpp"
#include "usherd/app/freezing.hpp"
#include "usherd/app/places.hpp"
#include "usherd/batch/batcher.hpp"
#include "usherd/poll/poller.hpp"
#include "usherd/ports/semaphore.hpp"
#include "usherd/ports/task_group.hpp"
#include "usherd/settle/batch_end.hpp"
#include "usherd/settle/verdict.hpp"
#include "usherd/submit/in_progress_budget.hpp"
#include "usherd/submit/submitter.hpp"
#include "usherd/validate/user_keys.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Where a batch in progress stands.
enum class BatchStage : std::uint8_t {
  waiting,     ///< nothing was sent: in line for its place in the budget, or held at the gate
  sending,     ///< sent at least once, and no job yet
  processing,  ///< its job has not ended as far as we know
  reading,     ///< its job has ended; its result pages are read, its outcomes written
};
[[nodiscard]] std::string_view to_string(BatchStage stage);

/// A batch in progress as an operator sees it.
struct BatchInProgress {
  BatchId batch = 0;
  std::string job;  ///< empty before there is one; opaque, from the server
  std::uint64_t records = 0;
  BatchStage stage = BatchStage::sending;
  std::optional<WallTime> submitted;  ///< when the job was accepted
  Milliseconds age{0};                ///< since then, or without a job since the batch was frozen
  std::uint32_t abandoned_keys = 0;
};

/// Carries batches from the batcher to their end: a coroutine a batch, started when the budget admits it,
/// that freezes, submits, follows and ends it. Event loop only; all references must outlive it.
class Delivery {
 public:
  struct Parts {
    boost::asio::any_io_executor loop;
    TaskGroup& tasks;
    Batcher& batcher;
    Freezing& freezing;
    Submitter& submitter;
    Poller& poller;
    InProgressBudget& budget;
    OpenFiles& files;
    Files& disk;
    Workers workers;
    GroupCommit& ledger;
    Recorder& recorder;
    RequestGate& gate;
    Timers& timers;
    Log& log;
    const UserKeys& keys;
    Tally& tally;
    std::size_t sessions = 8;
    std::function<void(FileNumber)> on_progress;  ///< records of the file had their outcome
  };
  explicit Delivery(Parts parts);

  /// Takes up the batches that the ledger holds unfinished: their places and their users. Before run().
  [[nodiscard]] boost::asio::awaitable<Result<void>> recover();
  /// Carries on what was taken up, and starts a batch whenever one is due and the budget admits it, until
  /// stop().
  [[nodiscard]] boost::asio::awaitable<void> run();
  void stop();
  /// At the very end: takes back the send times that were noted ahead of what was not sent, or the next run
  /// would believe that something was. What cannot be written is left in doubt.
  [[nodiscard]] boost::asio::awaitable<void> forget_unsent();
  /// The budget's limits changed.
  void budget_changed() { places_.changed(); }
  void set_sessions(std::size_t sessions);
  [[nodiscard]] std::size_t in_progress() const { return freezing_ + active_.size(); }
  /// Records whose batch ended since the start, in whatever way.
  [[nodiscard]] std::uint64_t ended_records() const { return ended_records_; }
  /// All that are in progress, by batch; those being frozen are not yet among them.
  [[nodiscard]] std::vector<BatchInProgress> batches() const;
  /// Gives a job up for the operator: its records end unknown (job_abandoned), its users and its place are
  /// free. Returns how many records; not_found: no such job is in progress; unavailable: it is just ending.
  [[nodiscard]] boost::asio::awaitable<Result<std::uint64_t>> abandon(std::string job);

 private:
  using Batch = std::shared_ptr<ActiveBatch>;
  using Pieces = std::vector<Freezing::Piece>;
  void adopt(const Batch& batch) { active_[batch->row.id] = batch; }
  [[nodiscard]] boost::asio::awaitable<void> start(std::unique_ptr<OpenBatch> open, SemaphorePlace place);
  [[nodiscard]] boost::asio::awaitable<void> carry(Batch batch);

  // Each does a step of a batch's life; false: it is over, or we are stopping.
  [[nodiscard]] boost::asio::awaitable<bool> submit(Batch batch, std::function<void()> steps_aside);
  [[nodiscard]] boost::asio::awaitable<bool> give_way(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> stand_back(ActiveBatch& batch, BootTime until);
  [[nodiscard]] bool may_leave_key(const ActiveBatch& batch) const;
  /// Of a batch of which nothing left: the send time that was noted ahead must not make a restart believe
  /// that something did.
  [[nodiscard]] boost::asio::awaitable<bool> forget_send_time(ActiveBatch& batch);
  /// The disk does not give its body for now: holds up nobody but its users meanwhile.
  [[nodiscard]] boost::asio::awaitable<bool> wait_to_be_read(Batch batch, Milliseconds pause);
  [[nodiscard]] boost::asio::awaitable<bool> cut_anew(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> follow(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> job_vanished(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> follow_other_job(Batch batch, JobAnswer job);
  [[nodiscard]] boost::asio::awaitable<bool> job_failed_whole(Batch batch);
  /// `named`: what `read_before` readings found, whose page tokens grew too old.
  [[nodiscard]] boost::asio::awaitable<bool> read_verdict(Batch batch, JobAnswer answer,
                                                          BatchVerdict named = {}, unsigned read_before = 0);
  [[nodiscard]] boost::asio::awaitable<PagesRead> read_list(Batch batch, std::shared_ptr<JobVerdict> verdict,
                                                            Call call);
  /// Waits for a disk that does not give the records now. Errc::cancelled: stopping, or given up;
  /// Errc::unavailable: it gives them again, and the page was too large to be kept meanwhile.
  [[nodiscard]] boost::asio::awaitable<Result<void>> add_page(Batch batch,
                                                              std::shared_ptr<JobVerdict> verdict, Call call,
                                                              PageAtHand read);
  /// What is packed from now on is no larger than what gets through.
  void heed_lesson();
  /// `reason` names the exception by which its key is given up; empty: the key is proven not to have run.
  [[nodiscard]] boost::asio::awaitable<bool> halve(Batch batch, std::string reason);
  /// One of the three named exceptions: another key for those with a user, the end for those without.
  [[nodiscard]] boost::asio::awaitable<bool> give_key_up(Batch batch, std::string reason,
                                                         BatchVerdict::Why why);
  [[nodiscard]] boost::asio::awaitable<std::vector<Batch>> divide(Batch batch, Pieces pieces,
                                                                  bool key_may_run);
  /// Records whose bytes changed end unknown; the others go on under a new key where that is proven safe.
  [[nodiscard]] boost::asio::awaitable<bool> files_changed(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> end(Batch batch, BatchVerdict verdict);
  [[nodiscard]] boost::asio::awaitable<bool> end_all(Batch batch, OperationEnd how, BatchVerdict::Why why);
  /// True once it is durable.
  [[nodiscard]] boost::asio::awaitable<bool> write_end(Batch batch, BatchVerdict verdict);
  [[nodiscard]] boost::asio::awaitable<void> remove_merged(Batch batch);
  void release(ActiveBatch& batch, const BatchEnd& end);
  void put_back(const TakenApart& user);
  /// How long ago its job was accepted, whatever was done to the wall clock meanwhile.
  [[nodiscard]] Milliseconds job_age(const ActiveBatch& batch) const;

  Parts parts_;
  Places places_;
  /// Batches that are frozen and not yet accepted: more than sessions would only grow old. Those that back
  /// off again and again are not counted, or a few that the API never takes would stop all others.
  Semaphore sending_;
  std::size_t freezing_ = 0;
  std::map<BatchId, Batch> active_;
  std::uint64_t ended_records_ = 0;
  std::atomic<bool> stopping_{false};  ///< workers look at it
};

}  // namespace usherd
