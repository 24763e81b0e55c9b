#pragma once

#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/workers.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace usherd {

/// The ledger as coroutines on the event loop see it: changes that arrive while a commit is under way share
/// the next one, so flushes follow groups and not callers. The ledger and the one-threaded worker must
/// outlive it; it must outlive every call. Event loop only.
class GroupCommit {
 public:
  using Change = std::function<Result<void>(Ledger&)>;

  GroupCommit(Ledger& ledger, Workers ledger_thread);
  ~GroupCommit();

  /// Returns once the change is durable, or with the error that kept it from being so (then nothing of it
  /// holds). A change runs on the ledger's thread and must not throw. When another of its group fails, or a
  /// full disk takes not all of them, it is rolled back and run once more by itself: it must bear that. It is
  /// run to its end even if the waiting coroutine is cancelled.
  [[nodiscard]] boost::asio::awaitable<Result<void>> apply(Change change);

  /// Runs something that only reads, between groups.
  template <class Question>
  [[nodiscard]] boost::asio::awaitable<std::invoke_result_t<Question&, Ledger&>> ask(Question question) {
    auto& ledger = ledger_;
    auto work = [&ledger, question = std::move(question)]() mutable { return question(ledger); };
    co_return co_await ledger_thread_.run(std::move(work));
  }

  /// Changes handed in so far, and those of them that are durable or known to have failed.
  [[nodiscard]] std::uint64_t asked() const;
  [[nodiscard]] std::uint64_t answered() const;
  /// Jobs of the ledger's thread whose callers still wait: questions and groups.
  [[nodiscard]] std::size_t under_way() const { return ledger_thread_.under_way(); }
  /// Transactions committed so far.
  [[nodiscard]] std::uint64_t commits() const;

 private:
  struct Queue;
  Ledger& ledger_;
  Workers ledger_thread_;
  std::shared_ptr<Queue> queue_;
};

}  // namespace usherd
