#include "usherd/core/log_event.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/folders.hpp"
#include "usherd/spool/intake.hpp"

#include <fmt/format.h>

#include <functional>
#include <utility>

namespace usherd {
namespace asio = boost::asio;

asio::awaitable<bool> Intake::make_room() {
  auto ask = options_.free_bytes;
  const auto free = co_await workers_.run(std::move(ask));
  if (!free) {
    park(free.error());
    co_return false;
  }
  last_free_ = *free;
  if (*free < options_.min_free) {
    const Error error{Errc::no_space,
                      fmt::format("{} are free on {}, spool.min_free is {}", format_size(*free),
                                  layout_.root(), format_size(options_.min_free))};
    park(error);
    short_of_room_ = true;
    co_return false;
  }
  if (options_.keep_back) {
    auto keep = options_.keep_back;
    const auto kept = co_await workers_.run(std::move(keep));
    if (!kept) {
      park(kept.error());
      co_return false;
    }
  }
  const auto report = co_await claimer_.finish();
  accepted(report.files, report.bytes);
  if (report.stopped) {
    park(*report.stopped);
    co_return false;
  }
  if (locked_out_ || doubts_) {
    auto attempt = [&files = files_, layout = layout_, keeps = keeps_] {
      const auto tried = try_folders(files, layout);
      return tried && keeps ? gives_out(layout) : tried;
    };
    const auto open = co_await workers_.run(std::move(attempt));
    if (!open) {
      park(open.error());
      co_return false;
    }
    doubts_ = false;
  }
  unpark();
  co_return true;
}

asio::awaitable<bool> Intake::note_odd(const ScanPage& page) {
  if (page.denied) {
    auto attempt = [&files = files_, layout = layout_] { return try_intake(files, layout); };
    const auto open = co_await workers_.run(std::move(attempt));
    if (!open) {
      park(open.error());
      co_return false;
    }
  }
  note_left(page.odd);
  co_return true;
}

void Intake::park(const Error& error) {
  const bool news = !parked_;
  if (news) {
    log_event(log_, LogLevel::error, {LogEvent::parked, {}, 0, {}, "disk"}, "intake is parked (disk): {}",
              error.message);
    parked_since_ = timers_.now().boot;
  }
  parked_ = error.message;
  short_of_room_ = false;
  keeps_ = keeps_ || error.code == Errc::invalid;
  locked_out_ = locked_out_ || keeps_ || error.code == Errc::denied || error.code == Errc::not_found;
  next_try_ = timers_.now().boot + options_.rescan;
  if (news && on_parked_)
    on_parked_();
}

void Intake::unpark() {
  if (!parked_)
    return;
  log_event(log_, LogLevel::info, {LogEvent::unparked, {}, 0, {}, "disk"}, "intake goes on");
  parked_.reset();
  locked_out_ = keeps_ = false;
  // What was ripe when it was parked is not remembered: all begin anew, or what came later would go first.
  settle_.forget_all();
  announced_from_.reset();
  scanned_to_.reset();
  next_scan_ = timers_.now().boot;
}

std::vector<LeftFile> Intake::left() const {
  std::vector<LeftFile> files;
  for (const auto& [name, file] : left_)
    files.push_back(file);
  return files;
}

LeftCounts Intake::left_counts() const {
  auto counts = odd_;
  for (const auto& [hash, reason] : tried_)
    ++counts[reason];
  return counts;
}

void Intake::count_tried(const std::vector<LeftFile>& left) {
  for (const auto& file : left) {
    const bool tried = file.reason == LeftReason::unreadable || file.reason == LeftReason::failed;
    if (tried && tried_.size() < kMostCounted)
      tried_.emplace(std::hash<std::string>{}(file.name), file.reason);
  }
}

void Intake::note_left(const std::vector<LeftFile>& left) {
  for (const auto& file : left) {
    if (file.reason == LeftReason::vanished || file.reason == LeftReason::changing ||
        left_.contains(file.name))
      continue;
    if (left_.size() >= kMostLeft) {
      if (!std::exchange(left_overflow_, true))
        log_.warn("more than {} files stay in incoming/; the others are not named", kMostLeft);
      continue;
    }
    log_event(log_, LogLevel::warning, {LogEvent::file_left, file.name, 0, {}, word_of(file.reason)},
              "{} stays in incoming/, {}: {}", printable(file.name), word_of(file.reason), file.detail);
    left_.emplace(file.name, file);
  }
}

asio::awaitable<void> Intake::remove_stale(std::vector<SeenFile> submits) {
  auto stale = stale_.look(submits, timers_.now());
  if (stale.empty())
    co_return;
  auto work = [&files = files_, incoming = layout_.incoming(), stale = std::move(stale)] {
    std::size_t removed = 0;
    for (const auto& name : stale)
      removed += files.remove(fmt::format("{}/{}", incoming, name)) ? 1 : 0;
    return removed;
  };
  const auto removed = co_await workers_.run(std::move(work));
  if (removed > 0)
    log_.info(
        "removed {} unfinished file{} of 'usherd submit' from incoming/: older than a day, whoever wrote {} "
        "is gone",
        removed, removed == 1 ? "" : "s", removed == 1 ? "it" : "them");
}

asio::awaitable<void> Intake::review_left() {
  auto& files = files_;
  auto work = [&files, incoming = layout_.incoming(), left = left_] {
    std::vector<std::string> gone;
    for (const auto& [name, file] : left) {
      SeenFile seen;
      seen.name = name;
      const auto stat = files.stat(fmt::format("{}/{}", incoming, name));
      if (stat)
        seen.stat = *stat;
      const bool was_odd = file.reason != LeftReason::unreadable && file.reason != LeftReason::failed;
      if (stat ? was_odd && !oddity(seen) : stat.error().code == Errc::not_found)
        gone.push_back(name);
    }
    return gone;
  };
  const auto gone = co_await workers_.run(std::move(work));
  for (const auto& name : gone)
    left_.erase(name);
  left_overflow_ = left_overflow_ && left_.size() >= kMostLeft;
}

}  // namespace usherd
