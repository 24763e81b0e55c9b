#include "src/app/ledger_pulse.hpp"

#include <algorithm>
#include <utility>

namespace usherd {
namespace {

constexpr Milliseconds kPace{1'000};
/// A long question is asked the less often: the ledger spends at most a fiftieth of its time on them.
constexpr int kShare = 50;

/// Among the waiters for as long as it lives, also when its coroutine is cancelled.
class Waiter {
 public:
  Waiter(std::list<Alarm*>& waiting, Alarm& alarm)
      : waiting_(waiting), place_(waiting.insert(waiting.end(), &alarm)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { waiting_.erase(place_); }

 private:
  std::list<Alarm*>& waiting_;
  std::list<Alarm*>::iterator place_;
};

Result<LedgerView> look(Ledger& ledger, FileNumber after, WallTime now) {
  LedgerView view;
  view.after = after;
  view.last = after;
  const auto add = [&](const Ledger::BacklogFile& file) {
    view.last = file.number;
    view.unread.add(now - file.accepted, file.unread);
    view.oldest = std::min(view.oldest.value_or(file.accepted), file.accepted);
  };
  if (auto read = ledger.backlog(after, add); !read)
    return read.error();
  const auto size = ledger.size();
  if (!size)
    return size.error();
  view.bytes = *size;
  return view;
}

}  // namespace

LedgerPulse::LedgerPulse(GroupCommit& ledger, Timers& timers, TaskGroup& tasks,
                         std::function<FileNumber()> read_up_to)
    : ledger_(ledger), timers_(timers), tasks_(tasks), read_up_to_(std::move(read_up_to)) {}

boost::asio::awaitable<void> LedgerPulse::ask() {
  const auto begun = timers_.now();
  auto question = [after = read_up_to_(), now = begun.wall](Ledger& ledger) {
    return look(ledger, after, now);
  };
  auto view = co_await ledger_.ask(std::move(question));
  const auto now = timers_.now().boot;
  answered_well_ = view.has_value();
  if (view)
    view_ = *view;
  fresh_until_ = now + std::max<BootClock::duration>(kPace, (now - begun.boot) * kShare);
  asking_ = false;
  ++answers_;
  for (auto* alarm : waiting_)
    alarm->ring();
}

boost::asio::awaitable<bool> LedgerPulse::refresh(Milliseconds patience) {
  const auto now = timers_.now().boot;
  if (answers_ > 0 && now < fresh_until_ && !asking_)
    co_return answered_well_;
  if (!asking_) {
    asking_ = true;
    tasks_.spawn(ask());
  }
  const auto alarm = timers_.alarm(WaitFor::operators);
  const Waiter waiter(waiting_, *alarm);
  const auto before = answers_;
  while (answers_ == before && timers_.now().boot < now + patience)
    co_await alarm->wait_until(now + patience);
  const bool answered = answers_ > before;
  co_return answered&& answered_well_;
}

}  // namespace usherd
