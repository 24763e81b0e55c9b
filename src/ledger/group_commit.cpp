#include "usherd/ledger/group_commit.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

namespace usherd {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostChanges = 4096;

/// One change and who waits for it. The change outlives a caller that does not.
struct Entry {
  GroupCommit::Change change;
  Result<void> result;
  bool done = false;
  bool leads = false;                  ///< its caller is to commit the next group
  asio::steady_timer* bell = nullptr;  ///< in the caller's frame; null while nobody waits
};

using Group = std::vector<std::shared_ptr<Entry>>;

/// Runs on the ledger's thread. Returns the number of transactions committed.
std::uint64_t commit(Ledger& ledger, const Group& group) {
  bool change_failed = false;
  const auto all = ledger.transaction([&]() -> Result<void> {
    for (const auto& entry : group) {
      auto changed = entry->change(ledger);
      if (!changed) {
        change_failed = true;
        return changed;
      }
    }
    return {};
  });
  if (all)
    return 1;
  // A disk that fails does so for all; a full one may have room for one change, and not for its neighbour.
  const auto code = all.error().code;
  const bool for_all = code == Errc::io || (!change_failed && code != Errc::no_space);
  std::uint64_t commits = 0;
  for (const auto& entry : group) {
    entry->result = all;
    if (for_all || group.size() == 1)
      continue;
    entry->result = ledger.transaction([&] { return entry->change(ledger); });
    commits += entry->result ? 1 : 0;
  }
  return commits;
}

/// Makes a wait end; a bell that hangs in a frame is taken down with it.
class Bell {
 public:
  Bell(Entry& entry, const asio::any_io_executor& loop) : entry_(entry), timer_(loop) {
    timer_.expires_at(asio::steady_timer::time_point::max());
    entry_.bell = &timer_;
  }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell() { entry_.bell = nullptr; }
  asio::steady_timer& timer() { return timer_; }

 private:
  Entry& entry_;
  asio::steady_timer timer_;
};

/// Returns when the entry is done or its caller is to lead, also if the coroutine is cancelled meanwhile.
asio::awaitable<void> wait_for(std::shared_ptr<Entry> entry) {
  const auto loop = co_await asio::this_coro::executor;
  Bell bell(*entry, loop);
  while (!entry->done && !entry->leads) {
    boost::system::error_code ended;
    co_await bell.timer().async_wait(asio::redirect_error(asio::use_awaitable, ended));
  }
}

void ring(Entry& entry) {
  if (entry.bell != nullptr)
    entry.bell->cancel();
}

}  // namespace

struct GroupCommit::Queue {
  std::deque<std::shared_ptr<Entry>> waiting;
  bool leading = false;  ///< some caller commits, or has been told to
  std::uint64_t commits = 0;
  std::uint64_t asked = 0;
  std::uint64_t answered = 0;

  [[nodiscard]] std::shared_ptr<Group> take_group() {
    const auto count = std::min(waiting.size(), kMostChanges);
    const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
    auto group = std::make_shared<Group>(waiting.begin(), end);
    waiting.erase(waiting.begin(), end);
    return group;
  }
  /// Hands the lead to a caller that still waits; false when the present leader must go on.
  [[nodiscard]] bool hand_over() {
    const auto next =
        std::find_if(waiting.begin(), waiting.end(), [](const auto& entry) { return entry->bell; });
    if (next == waiting.end()) {
      leading = !waiting.empty();
      return !leading;
    }
    (*next)->leads = true;
    ring(**next);
    return true;
  }

  /// Commits groups until its own entry is done and another one leads or nothing waits.
  static asio::awaitable<void> lead(std::shared_ptr<Queue> queue, Ledger& ledger, Workers thread) {
    queue->leading = true;
    do {
      auto group = queue->take_group();
      auto work = [&ledger, group] { return commit(ledger, *group); };
      queue->commits += co_await thread.run(std::move(work));
      queue->answered += group->size();
      for (const auto& entry : *group) {
        entry->done = true;
        ring(*entry);
      }
    } while (!queue->hand_over());
  }
};

GroupCommit::GroupCommit(Ledger& ledger, Workers ledger_thread)
    : ledger_(ledger), ledger_thread_(std::move(ledger_thread)), queue_(std::make_shared<Queue>()) {}

GroupCommit::~GroupCommit() = default;

asio::awaitable<Result<void>> GroupCommit::apply(Change change) {
  // A cancellation takes effect at the caller's next wait: a leader that stopped here would leave others
  // waiting.
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  auto queue = queue_;
  auto entry = std::make_shared<Entry>();
  entry->change = std::move(change);
  queue->waiting.push_back(entry);
  ++queue->asked;
  if (queue->leading)
    co_await wait_for(entry);
  if (!entry->done)
    co_await Queue::lead(queue, ledger_, ledger_thread_);
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return std::move(entry->result);
}

std::uint64_t GroupCommit::asked() const {
  return queue_->asked;
}

std::uint64_t GroupCommit::answered() const {
  return queue_->answered;
}

std::uint64_t GroupCommit::commits() const {
  return queue_->commits;
}

}  // namespace usherd
