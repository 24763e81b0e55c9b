#pragma once

#include "tests/flow/world/effects.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace usherd::flow {

/// An SQLite VFS in memory that forgets what was not synced, as a disk does when the power fails. A sync is
/// an effect; a write counts with the sync that makes it durable, and may have reached the disk without one.
/// One connection to a database at a time. Must outlive its databases.
class MemSqlite {
 public:
  explicit MemSqlite(Effects& effects);
  ~MemSqlite();
  MemSqlite(const MemSqlite&) = delete;
  MemSqlite& operator=(const MemSqlite&) = delete;

  /// Its name among the VFSes of the process.
  [[nodiscard]] const char* name() const;
  /// The power fails: only what was synced is left. No database may be open.
  void drop_unsynced();
  /// The kernel lived on, or had written everything by itself: all of it is there.
  void keep_unsynced();
  [[nodiscard]] std::uint64_t syncs() const;
  /// A disk that gives errors for what is not in memory yet, or gives it again.
  void refuse_reads(bool refused);
  /// A disk that is all but full has no room for a commit that writes more than this to the log.
  void allow_commits_of(std::size_t bytes);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace usherd::flow
