#pragma once

#include "usherd/ledger/group_commit.hpp"
#include "usherd/submit/request_gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>

namespace usherd {

/// What only an operator ends: a pause, and `refused`, which the Submitter notes. Facts of the ledger, so
/// that they outlive a restart. Event loop only; both must outlive it.
class Pause {
 public:
  Pause(GroupCommit& ledger, RequestGate& gate) : ledger_(ledger), gate_(gate) {}

  /// Parks as an earlier run was left. Before the loop runs, while nobody else uses the ledger.
  [[nodiscard]] Result<void> restore(Ledger& ledger);
  /// Stops sending at once, and returns when that is durable; intake and polls go on.
  [[nodiscard]] boost::asio::awaitable<Result<void>> pause();
  /// Goes on, from `refused` and `organisation` too: the operator may mean the new key. Durable first.
  [[nodiscard]] boost::asio::awaitable<Result<void>> resume();

 private:
  GroupCommit& ledger_;
  RequestGate& gate_;
  std::uint64_t wishes_ = 0;  ///< pauses and resumes that were asked for
};

}  // namespace usherd
