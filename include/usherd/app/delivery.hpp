#pragma once

#include "usherd/app/freezing.hpp"
#include "usherd/batch/batcher.hpp"
#include "usherd/poll/poller.hpp"
#include "usherd/ports/event.hpp"
#include "usherd/ports/semaphore.hpp"
#include "usherd/ports/task_group.hpp"
#include "usherd/settle/batch_end.hpp"
#include "usherd/settle/verdict.hpp"
#include "usherd/submit/in_progress_budget.hpp"
#include "usherd/submit/submitter.hpp"
#include "usherd/validate/user_keys.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace usherd {

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
    std::size_t sessions = 8;
    std::function<void(FileNumber)> on_progress;  ///< records of the file had their outcome
  };
  explicit Delivery(Parts parts);

  /// Takes up the batches that the ledger holds unfinished: their budget, their users, their coroutines.
  [[nodiscard]] boost::asio::awaitable<Result<void>> recover();
  /// Starts a batch whenever one is due and the budget admits it, until stop().
  [[nodiscard]] boost::asio::awaitable<void> run();
  void stop();
  /// The budget's limits changed.
  void budget_changed() { budget_freed_.notify(); }
  [[nodiscard]] std::size_t in_progress() const { return in_progress_; }

 private:
  using Batch = std::shared_ptr<ActiveBatch>;
  [[nodiscard]] boost::asio::awaitable<void> start(std::unique_ptr<OpenBatch> open, SemaphorePlace place);
  [[nodiscard]] boost::asio::awaitable<void> carry(Batch batch);
  [[nodiscard]] boost::asio::awaitable<void> carry_child(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> submit(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> follow(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> job_vanished(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> job_failed_whole(Batch batch);
  [[nodiscard]] boost::asio::awaitable<bool> read_verdict(Batch batch, JobAnswer answer);
  [[nodiscard]] boost::asio::awaitable<Result<void>> add_page(std::shared_ptr<JobVerdict> verdict, Call call,
                                                              ResultPage page);
  [[nodiscard]] boost::asio::awaitable<bool> halve(Batch batch);
  /// One of the three named exceptions: another key for those with a user, the end for those without.
  [[nodiscard]] boost::asio::awaitable<bool> give_key_up(Batch batch, std::string reason,
                                                         BatchVerdict::Why why);
  [[nodiscard]] boost::asio::awaitable<std::vector<Batch>> divide(
      Batch batch, std::vector<std::vector<std::size_t>> parts);
  [[nodiscard]] boost::asio::awaitable<bool> end_all(Batch batch, OperationEnd how, BatchVerdict::Why why);
  [[nodiscard]] BootTime accepted_at(const ActiveBatch& batch) const;
  [[nodiscard]] boost::asio::awaitable<bool> end(Batch batch, BatchVerdict verdict);
  [[nodiscard]] boost::asio::awaitable<void> remove_merged(const ActiveBatch& batch);
  void release(const ActiveBatch& batch, const BatchEnd& end);
  void give_budget_back(const ActiveBatch& batch);

  Parts parts_;
  Event budget_freed_;
  /// Batches that are frozen and not yet accepted: more than sessions would only grow old.
  Semaphore sending_;
  std::size_t in_progress_ = 0;
  bool stopping_ = false;
};

}  // namespace usherd
