#include "usherd/submit/recorder.hpp"

namespace usherd {
namespace {

constexpr std::chrono::seconds kRetry{2};

}  // namespace

Recorder::Recorder(GroupCommit& ledger, RequestGate& gate, Timers& timers, Log& log)
    : ledger_(ledger), gate_(gate), timers_(timers), log_(log) {}

boost::asio::awaitable<bool> Recorder::record(GroupCommit::Change change) {
  while (true) {
    const auto done = co_await ledger_.apply(change);
    if (done) {
      disk_works();
      co_return true;
    }
    const bool again = co_await wait_for_disk(done.error());
    if (!again)
      co_return false;
  }
}

boost::asio::awaitable<bool> Recorder::wait_for_disk(const Error& error) {
  if (!gate_.parking().holds(ParkReason::disk))
    log_.error("cannot write state: {}; will try again", error.message);
  gate_.park(ParkReason::disk);
  if (stopping_)
    co_return false;
  const auto alarm = timers_.alarm(WaitFor::disk);
  co_await alarm->wait_until(timers_.now().boot + kRetry);
  co_return !stopping_;
}

void Recorder::disk_works() {
  gate_.clear(ParkReason::disk);
}

}  // namespace usherd
