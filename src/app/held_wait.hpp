#pragma once

#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/task_group.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/submit/request_gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace usherd {

/// The Retry-After that binds the whole client: a fact of the ledger, so that a restart obeys it too. It is
/// noted beside the work and not waited for: who is killed in the same millisecond asks once too early. Event
/// loop only; all references must outlive it.
class HeldWait {
 public:
  HeldWait(GroupCommit& ledger, RequestGate& gate, TaskGroup& tasks, Timers& timers, std::string boot_id);

  /// Holds the gate as an earlier run was told to, never for longer than it was told. Before the loop runs,
  /// while nobody else uses the ledger.
  [[nodiscard]] Result<void> restore(Ledger& ledger);

 private:
  void held();
  [[nodiscard]] boost::asio::awaitable<void> note();

  GroupCommit& ledger_;
  RequestGate& gate_;
  TaskGroup& tasks_;
  Timers& timers_;
  std::string boot_id_;
  BootTime noted_{};
  bool noting_ = false;
};

}  // namespace usherd
