#pragma once

#include "usherd/admin/age_table.hpp"
#include "usherd/core/units.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/task_group.hpp"
#include "usherd/ports/timers.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <optional>

namespace usherd {

/// What the ledger alone knows of the backlog: the files that the reader had not reached when it was asked.
struct LedgerView {
  FileNumber after = 0;  ///< where the reader was
  FileNumber last = 0;   ///< the last file that the view counts; `after` when it counts none
  AgeTable unread;
  std::optional<WallTime> oldest;

  [[nodiscard]] bool counts(FileNumber number) const { return number > after && number <= last; }
  std::uint64_t bytes = 0;  ///< of the ledger itself
};

/// Asks the ledger now and then, at most one question at a time, so that nobody's curiosity holds up its
/// commits; and tells whether it answers at all. Event loop only; all references must outlive it.
class LedgerPulse {
 public:
  LedgerPulse(GroupCommit& ledger, Timers& timers, TaskGroup& tasks, std::function<FileNumber()> read_up_to);

  /// Waits up to `patience` for a view that is not too old. True when the ledger answered.
  [[nodiscard]] boost::asio::awaitable<bool> refresh(Milliseconds patience);
  /// The last view, however old.
  [[nodiscard]] const LedgerView& view() const { return view_; }

 private:
  [[nodiscard]] boost::asio::awaitable<void> ask();

  GroupCommit& ledger_;
  Timers& timers_;
  TaskGroup& tasks_;
  std::function<FileNumber()> read_up_to_;
  std::list<Alarm*> waiting_;
  LedgerView view_;
  BootTime fresh_until_{};
  std::uint64_t answers_ = 0;
  bool asking_ = false;
  bool answered_well_ = true;
};

}  // namespace usherd
