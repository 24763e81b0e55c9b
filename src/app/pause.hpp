#pragma once

#include "usherd/app/identity.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/submit/request_gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace usherd {

/// What only an operator ends: a pause, and `refused`, which the Submitter notes. Facts of the ledger, so
/// that they outlive a restart. Event loop only; all must outlive it.
class Pause {
 public:
  /// Tells the organisation that unfinished work is parked for, if it is.
  using ParkedFor = std::function<std::optional<Organisation>()>;

  Pause(GroupCommit& ledger, RequestGate& gate, Timers& timers, ParkedFor parked_for)
      : ledger_(ledger), gate_(gate), timers_(timers), parked_for_(std::move(parked_for)) {}

  /// Parks as an earlier run was left, and since when it was. Before the loop runs, while nobody else uses
  /// the ledger.
  [[nodiscard]] Result<void> restore(Ledger& ledger);
  /// Stops sending at once, and returns when that is durable; intake and polls go on.
  [[nodiscard]] boost::asio::awaitable<Result<void>> pause();
  /// Goes on, from `refused` and `organisation` too: the operator means the new key, whose organisation the
  /// work is from then on. Durable first.
  [[nodiscard]] boost::asio::awaitable<Result<void>> resume();

 private:
  GroupCommit& ledger_;
  RequestGate& gate_;
  Timers& timers_;
  ParkedFor parked_for_;
  std::uint64_t wishes_ = 0;  ///< pauses and resumes that were asked for
};

}  // namespace usherd
