#pragma once

#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/submit/request_gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace usherd {

/// Commits that must not be given up: while the state directory cannot be written it says so (parked: disk),
/// waits and tries again, as what happened outside cannot be undone. Event loop only.
class Recorder {
 public:
  Recorder(GroupCommit& ledger, RequestGate& gate, Timers& timers, Log& log);

  /// True once the change is durable; false when we are stopping and it is not. The change may run several
  /// times.
  [[nodiscard]] boost::asio::awaitable<bool> record(GroupCommit::Change change);
  /// A wait of the same kind for something else that the disk refuses. Returns false when we are stopping.
  [[nodiscard]] boost::asio::awaitable<bool> wait_for_disk(const Error& error);
  void disk_works();
  /// Waiters give up after the attempt under way.
  void stop() { stopping_ = true; }

 private:
  GroupCommit& ledger_;
  RequestGate& gate_;
  Timers& timers_;
  Log& log_;
  bool stopping_ = false;
};

}  // namespace usherd
