#include "usherd/submit/recorder.hpp"

#include <algorithm>
#include <utility>

namespace usherd {
namespace {

constexpr std::chrono::seconds kRetry{2};
/// What needs more room than there is may take all of it at each try, as a conversion does.
constexpr unsigned kMostDoublings = 5;
constexpr auto* kDisk = "the disk";

}  // namespace

Recorder::Recorder(GroupCommit& ledger, RequestGate& gate, Timers& timers, Log& log)
    : ledger_(ledger), gate_(gate), timers_(timers), log_(log) {}

boost::asio::awaitable<bool> Recorder::record(GroupCommit::Change change, Purpose purpose) {
  while (true) {
    if (purpose == Purpose::begin) {
      const bool room = co_await wait_for_room();
      if (!room)
        co_return false;
    }
    const auto done = co_await ledger_.apply(change);
    if (done) {
      disk_works();
      if (purpose == Purpose::begin)
        note_moving(kDisk);
      co_return true;
    }
    const bool again = co_await wait_for_disk(done.error(), purpose);
    if (!again)
      co_return false;
  }
}

boost::asio::awaitable<bool> Recorder::wait_for_room() {
  while (reserve_ != nullptr && reserve_->is_spent() && !stopping_) {
    note_full("the disk is full");
    co_await pause(kRetry);
    co_await restore();
  }
  co_return !stopping_;
}

/// The intake does so, too, but takes nothing while less than spool.min_free is free, or once a drain has
/// taken all.
boost::asio::awaitable<void> Recorder::restore() {
  if (!restore_ || restores_ || stopping_ || !reserve_->is_spent())
    co_return;
  restores_ = true;
  auto work = [restore = restore_](Ledger&) { return restore(); };
  static_cast<void>(co_await ledger_.ask(std::move(work)));
  restores_ = false;
}

void Recorder::note_full(std::string_view why) {
  if (note_stalled(kDisk, std::string(why)))
    log_.warn("{}: what is in flight is finished, nothing new is begun", why);
}

boost::asio::awaitable<void> Recorder::pause(BootClock::duration length) {
  const auto alarm = timers_.alarm(WaitFor::disk);
  co_await alarm->wait_until(timers_.now().boot + length);
}

bool Recorder::make_room(const Error& error) {
  if (error.code != Errc::no_space || reserve_ == nullptr || !reserve_->give())
    return false;
  log_.warn("the disk is full ({}): the space that was kept back is given to what is in flight",
            error.message);
  return true;
}

boost::asio::awaitable<bool> Recorder::wait_for_disk(const Error& error, Purpose purpose) {
  if (stopping_)
    co_return false;
  if (purpose == Purpose::begin && error.code == Errc::no_space && reserve_ != nullptr) {
    note_full(error.message);
    co_await pause(kRetry);
    co_return !stopping_;
  }
  if (make_room(error))
    co_return true;
  if (!gate_.parking().holds(ParkReason::disk))
    log_.error("cannot write state: {}; will try again", error.message);
  gate_.park(ParkReason::disk);
  co_await pause(kRetry);
  co_return !stopping_;
}

boost::asio::awaitable<bool> Recorder::wait_for_one(std::string what, Error error, Purpose purpose) {
  const bool lacks_room = purpose == Purpose::begin && error.code == Errc::no_space && reserve_ != nullptr;
  if (!is_of_one(error) && !lacks_room)
    co_return co_await wait_for_disk(error, purpose);
  if (stopping_)
    co_return false;
  if (note_stalled(what, error.message))
    log_.error("{} waits, as the disk does not give what it needs: {}; it is tried again", what,
               error.message);
  co_await pause(lacks_room ? kRetry * (1U << std::min(stalled_[what].waits++, kMostDoublings)) : kRetry);
  co_return !stopping_;
}

bool Recorder::note_stalled(const std::string& what, std::string why) {
  const auto [stall, news] = stalled_.try_emplace(what, Stall{timers_.now().boot, {}});
  stall->second.why = std::move(why);
  if (news && on_stalled_)
    on_stalled_();
  return news;
}

bool Recorder::note_moving(const std::string& what) {
  return stalled_.erase(what) > 0;
}

void Recorder::disk_works() {
  gate_.clear(ParkReason::disk);
}

}  // namespace usherd
