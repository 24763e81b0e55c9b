#pragma once

#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/spool/space_reserve.hpp"
#include "usherd/submit/request_gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace usherd {

/// What a write is for.
enum class Purpose : std::uint8_t {
  finish,  ///< something in flight: the last of the disk is kept back for it
  begin,   ///< something that may as well wait until there is room again
};

/// Commits that must not be given up: while the state directory cannot be written it says so (parked: disk),
/// waits and tries again, as what happened outside cannot be undone. When the disk is full, what finishes
/// something spends the reserve first; what begins something waits until there is one again, which who waits
/// sees to, and parks nobody. Event loop only.
class Recorder {
 public:
  Recorder(GroupCommit& ledger, RequestGate& gate, Timers& timers, Log& log);

  /// True once the change is durable; false when we are stopping and it is not. The change may run several
  /// times.
  [[nodiscard]] boost::asio::awaitable<bool> record(GroupCommit::Change change,
                                                    Purpose purpose = Purpose::finish);
  /// A wait of the same kind for something else that the disk refuses. Returns false when we are stopping.
  [[nodiscard]] boost::asio::awaitable<bool> wait_for_disk(const Error& error,
                                                           Purpose purpose = Purpose::finish);
  /// Whether that may be an error of one file alone.
  [[nodiscard]] static bool is_of_one(const Error& error) {
    return error.code == Errc::denied || error.code == Errc::io;
  }
  /// A wait for one file or batch alone, as the disk does not give or take its bytes now, or, where something
  /// is to begin, has no room for them: it is named once in the log and parks nobody. For room it waits
  /// longer each time, up to a minute. Any other error is one of the whole disk. Returns false when we are
  /// stopping.
  [[nodiscard]] boost::asio::awaitable<bool> wait_for_one(std::string what, Error error, Purpose purpose);
  /// One file or batch waits by itself, and who knows it says so; true when that is news. `why` is what the
  /// disk said last.
  bool note_stalled(const std::string& what, std::string why);
  /// True when it had been stalled.
  bool note_moving(const std::string& what);
  struct Stall {
    BootTime since{};
    std::string why;
    unsigned waits = 0;  ///< in a row, as the disk was full
  };
  /// What waits so, by name.
  [[nodiscard]] const std::map<std::string, Stall>& stalled() const { return stalled_; }
  void on_stalled(std::function<void()> stalled) { on_stalled_ = std::move(stalled); }
  /// For a write that failed and will be tried again by other means: true when the reserve made room for it.
  bool make_room(const Error& error);
  /// Without one nothing is kept back. It must outlive this. `restore` makes it again, on the ledger's
  /// thread; without it, it is for others to do so.
  void spend(SpaceReserve& reserve, std::function<Result<void>()> restore = {}) {
    reserve_ = &reserve;
    restore_ = std::move(restore);
  }
  void disk_works();
  /// Waiters give up after the attempt under way.
  void stop() { stopping_ = true; }

 private:
  [[nodiscard]] boost::asio::awaitable<void> pause(BootClock::duration length);
  [[nodiscard]] boost::asio::awaitable<bool> wait_for_room();
  [[nodiscard]] boost::asio::awaitable<void> restore();
  /// Nothing new is begun, as the disk is full.
  void note_full(std::string_view why);

  GroupCommit& ledger_;
  RequestGate& gate_;
  Timers& timers_;
  Log& log_;
  SpaceReserve* reserve_ = nullptr;
  std::function<Result<void>()> restore_;
  std::map<std::string, Stall> stalled_;
  std::function<void()> on_stalled_;
  bool stopping_ = false;
  bool restores_ = false;  ///< one of those who wait for the reserve makes it
};

}  // namespace usherd
