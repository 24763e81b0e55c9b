#include "usherd/spool/intake.hpp"

#include "usherd/core/text.hpp"
#include "usherd/ports/event.hpp"
#include "usherd/spool/folders.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace usherd {
namespace asio = boost::asio;

Intake::Intake(IntakeOptions options, SpoolLayout layout, Files& files, Watch* watch, Timers& timers,
               Workers workers, GroupCommit& commits, Log& log, std::function<void()> on_accepted)
    : options_(std::move(options)),
      layout_(std::move(layout)),
      files_(files),
      watch_(watch),
      timers_(timers),
      workers_(std::move(workers)),
      log_(log),
      on_accepted_(std::move(on_accepted)),
      claimer_(layout_, files, timers, workers_, commits, options_.last_batch),
      settle_(options_.settle),
      alarm_(timers.alarm(WaitFor::intake)) {
  if (!options_.free_bytes)
    options_.free_bytes = [root = layout_.root()] { return free_bytes(root); };
}

asio::awaitable<void> Intake::run() {
  using namespace asio::experimental::awaitable_operators;
  if (watch_ != nullptr)
    co_await (pump() || work());
  else
    co_await work();
  if (failure_)
    std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Intake::stop() {
  stopping_ = true;
  alarm_->ring();
}

void Intake::reload(Milliseconds settle, Milliseconds rescan, std::uint64_t min_free) {
  options_.settle = settle;
  options_.rescan = rescan;
  options_.min_free = min_free;
  settle_.settle(settle);
  // Not moved back: files that were found since may be younger than what is announced.
  if (announced_from_)
    announced_from_ = std::min(*announced_from_, settle_.last_due());
  next_scan_ = timers_.now().boot;
  next_try_ = next_scan_;
  alarm_->ring();
}

asio::awaitable<void> Intake::pump() {
  while (true) {
    auto batch = co_await watch_->next();
    if (!batch) {
      if (batch.error().code != Errc::cancelled)
        log_.warn("the watch on incoming/ failed ({}): files are found by the rescan alone",
                  batch.error().message);
      break;
    }
    announce(std::move(*batch));
  }
  const auto loop = co_await asio::this_coro::executor;
  Event never(loop);
  co_await never.wait();
}

void Intake::announce(WatchBatch batch) {
  bool lost = batch.overflow;
  for (auto& name : batch.names) {
    if (announced_.size() < kMostAnnounced)
      announced_.push_back(std::move(name));
    else
      lost = true;
  }
  if (lost) {
    scanned_to_.reset();
    next_scan_ = timers_.now().boot;
    // One that waits already goes on waiting: it must end, however often events are lost.
    if (announced_from_ && *announced_from_ <= next_scan_)
      announced_from_.reset();
  }
  alarm_->ring();
}

asio::awaitable<void> Intake::work() {
  // Kept for run() to throw: who fails inside `||` would only make it wait for the other one.
  try {
    while (!stopping_) {
      const bool room = co_await make_room();
      if (room)
        co_await turn();
      while (!stopping_ && timers_.now().boot < next_turn())
        co_await alarm_->wait_until(next_turn());
    }
  } catch (...) {
    failure_ = std::current_exception();
  }
}

BootTime Intake::next_turn() {
  if (parked_)
    return next_try_;
  const auto next = std::min(next_scan_, settle_.next_due());
  return announced_.empty() || !announced_from_ ? next : std::min(next, *announced_from_);
}

asio::awaitable<void> Intake::turn() {
  // The first look comes first, at a start and where drops went unseen: what stands there is older than
  // anything announced since.
  if (!announced_from_) {
    co_await scan();
    for (const auto& name : announced_)
      settle_.forget(name);
    // A large folder takes several looks.
    if (!scanned_to_)
      announced_from_ = settle_.last_due();
  }
  // All of it before anything announced: one look may not hold it, and a reload makes much due at once.
  auto now = timers_.now().boot;
  while (!stopping_ && !parked_ && settle_.next_due() <= now) {
    co_await take_due();
    now = timers_.now().boot;
  }
  if (!stopping_ && !parked_ && announced_from_ && now >= *announced_from_)
    co_await take_announced();
  if (!stopping_ && !parked_ && timers_.now().boot >= next_scan_)
    co_await scan();
}

asio::awaitable<void> Intake::take_announced() {
  if (announced_.empty())
    co_return;
  auto names = std::exchange(announced_, {});
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::erase_if(names, [this](const auto& name) { return !settle_.trusts(name); });
  auto files = co_await look(std::move(names));
  co_await claim(std::move(files));
}

asio::awaitable<void> Intake::take_due() {
  const auto names = settle_.due(timers_.now().boot, options_.look_most);
  if (names.empty())
    co_return;
  auto files = co_await look(names);
  const auto now = timers_.now();
  std::vector<std::string> seen;
  std::vector<SeenFile> ripe;
  for (auto& file : files) {
    seen.push_back(file.name);
    if (settle_.look(file, now))
      ripe.push_back(std::move(file));
  }
  std::sort(seen.begin(), seen.end());
  for (const auto& name : names) {
    if (!std::binary_search(seen.begin(), seen.end(), name))
      settle_.forget(name);
  }
  co_await claim(std::move(ripe));
}

asio::awaitable<std::vector<SeenFile>> Intake::look(std::vector<std::string> names) {
  auto& files = files_;
  auto work = [&files, incoming = layout_.incoming(), names = std::move(names)] {
    return look_at(files, incoming, names);
  };
  auto page = co_await workers_.run(std::move(work));
  co_await note_odd(page);
  co_return std::move(page.files);
}

asio::awaitable<Result<ScanPage>> Intake::scan_page(ScanOptions options) {
  auto& files = files_;
  auto work = [&files, incoming = layout_.incoming(), options = std::move(options)] {
    return scan_incoming(files, incoming, options);
  };
  co_return co_await workers_.run(std::move(work));
}

asio::awaitable<void> Intake::scan() {
  ScanOptions options;
  options.most = options_.look_most;
  options.after = scanned_to_;
  const bool from_start = !scanned_to_;
  auto there = std::make_shared<std::unordered_map<std::size_t, LeftReason>>();
  if (from_start && !tried_.empty()) {
    options.wanted = [tried = tried_, there](const SeenFile& file) {
      if (const auto found = tried.find(std::hash<std::string>{}(file.name)); found != tried.end())
        there->insert(*found);
      return true;
    };
  }
  auto page = co_await scan_page(std::move(options));
  const auto now = timers_.now();
  next_scan_ = now.boot + options_.rescan;
  if (!page) {
    scanned_to_.reset();
    park(page.error());
    // Room is no sign that it can be listed again: it may be gone, or its disk.
    locked_out_ = true;
    co_return;
  }
  scanned_to_.reset();
  const bool open = co_await note_odd(*page);
  if (!open)
    co_return;
  odd_ = page->odd_reasons;
  if (from_start)
    tried_ = std::move(*there);
  co_await remove_stale(std::move(page->submits));
  if (page->cut) {
    scanned_to_ = page->files.back();
    next_scan_ = now.boot + SettleWatch::kSecondLook;
  }
  std::vector<SeenFile> ripe;
  for (auto& file : page->files) {
    if (settle_.look(file, now))
      ripe.push_back(std::move(file));
  }
  co_await claim(std::move(ripe));
  if (!scanned_to_ && !left_.empty() && !stopping_)
    co_await review_left();
  if (!scanned_to_ && !parked_ && !stopping_)
    co_await claimer_.remember(false);
}

asio::awaitable<bool> Intake::claim(std::vector<SeenFile> files) {
  just_left_.clear();
  for (std::size_t from = 0; from < files.size() && !stopping_; from += Claimer::kMostGroup) {
    if (from > 0) {
      const bool room = co_await make_room();
      if (!room)
        co_return false;
    }
    const auto to = std::min(files.size(), from + Claimer::kMostGroup);
    std::vector<SeenFile> group(std::make_move_iterator(files.begin() + static_cast<std::ptrdiff_t>(from)),
                                std::make_move_iterator(files.begin() + static_cast<std::ptrdiff_t>(to)));
    for (const auto& file : group)
      settle_.forget(file.name);
    const auto report = co_await claimer_.take(std::move(group));
    accepted(report.files, report.bytes);
    note_left(report.left);
    count_tried(report.left);
    just_left_.insert(just_left_.end(), report.left.begin(), report.left.end());
    for (const auto& file : report.changed)
      settle_.distrust(file, timers_.now().boot);
    if (report.stopped) {
      park(*report.stopped);
      // Room tells nothing of that: a trial must pass before it is tried again.
      locked_out_ = locked_out_ || report.stopped->code != Errc::no_space;
      co_return false;
    }
  }
  co_return true;
}

void Intake::accepted(std::size_t files, std::uint64_t bytes) {
  if (files == 0)
    return;
  total_accepted_ += files;
  log_.info("accepted {} file{}, {}", files, files == 1 ? "" : "s", format_size(bytes));
  if (on_accepted_)
    on_accepted_();
}

}  // namespace usherd
