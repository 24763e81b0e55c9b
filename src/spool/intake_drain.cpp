#include "usherd/spool/file_name.hpp"
#include "usherd/spool/intake.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <utility>

namespace usherd {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostFailed = 65536;

}  // namespace

/// What belongs to a drain: every file that was there when it started, by name and inode: one that is still
/// written goes on being the same. Where more were there than are remembered, of the others those that had
/// not been changed since.
struct Intake::Present {
  explicit Present(std::int64_t began) : began_ns(began) {}

  std::int64_t began_ns;
  std::int64_t newest_ns = INT64_MIN;
  bool is_whole = true;  ///< all of them are remembered
  std::unordered_map<std::string, std::uint64_t> inodes;
  std::unordered_map<std::string, LeftFile> failed;

  void note(const SeenFile& file, std::size_t most) {
    // After the clock was set back one file's time may be ahead of all that will come for days.
    newest_ns = std::max(newest_ns, std::min(file.stat.changed_ns, began_ns));
    if (inodes.size() < most)
      inodes.emplace(file.name, file.stat.inode);
    else
      is_whole = false;
  }
  [[nodiscard]] bool holds(const SeenFile& file) const {
    const auto known = inodes.find(file.name);
    return (known != inodes.end() && known->second == file.stat.inode) ||
           (!is_whole && file.stat.changed_ns <= newest_ns);
  }
  [[nodiscard]] bool wants(const SeenFile& file) const { return holds(file) && !failed.contains(file.name); }
};

asio::awaitable<Result<DrainReport>> Intake::take_present() {
  total_accepted_ = 0;
  const auto began = std::chrono::nanoseconds(timers_.now().wall.time_since_epoch());
  auto present = std::make_shared<Present>(began.count());
  present_ = present;
  ScanOptions survey;
  survey.most = 1;
  // The worker is the only one to touch it until the scan has returned.
  survey.wanted = [present, most = options_.remember_most](const SeenFile& file) {
    present->note(file, most);
    return false;
  };
  const auto surveyed = co_await scan_page(std::move(survey));
  if (!surveyed)
    co_return surveyed.error().within("look into incoming/");
  while (!stopping_) {
    const bool more = co_await drain_turn(present);
    if (!more) {
      // All of them were taken: who has such a name from now on came later.
      present->inodes.clear();
      break;
    }
  }
  co_return co_await left_behind();
}

asio::awaitable<bool> Intake::is_short_for_nothing(std::shared_ptr<Present> present) {
  auto ask = options_.free_bytes;
  const auto free = co_await workers_.run(std::move(ask));
  if (!free || *free >= options_.min_free || locked_out_ || doubts_)
    co_return false;
  last_free_ = *free;
  // What was taken before stands in working/ and is to be delivered.
  const auto report = co_await claimer_.finish();
  accepted(report.files, report.bytes);
  if (report.stopped)
    co_return false;
  ScanOptions options;
  options.most = 1;
  options.wanted = [present](const SeenFile& file) { return present->wants(file); };
  const auto page = co_await scan_page(std::move(options));
  if (!page || page->denied || !page->files.empty())
    co_return false;
  unpark();
  co_return true;
}

asio::awaitable<bool> Intake::drain_turn(std::shared_ptr<Present> present) {
  const bool is_done = co_await is_short_for_nothing(present);
  if (is_done)
    co_return false;
  const bool room = co_await make_room();
  if (!room) {
    co_await alarm_->wait_until(next_try_);
    co_return true;
  }
  ScanOptions options;
  options.wanted = [present](const SeenFile& file) { return present->wants(file); };
  auto page = co_await scan_page(std::move(options));
  if (!page) {
    park(page.error());
    co_await alarm_->wait_until(next_try_);
    co_return true;
  }
  if (page->denied) {
    const bool open = co_await note_odd(*page);
    if (!open) {
      co_await alarm_->wait_until(next_try_);
      co_return true;
    }
  }
  if (page->files.empty())
    co_return false;
  const auto now = timers_.now();
  std::vector<SeenFile> ripe;
  for (auto& file : page->files) {
    if (settle_.look(file, now))
      ripe.push_back(std::move(file));
  }
  // What was due and not on the page is gone, or belongs to later.
  for (const auto& name : settle_.due(now.boot, SettleWatch::kMostWatched))
    settle_.forget(name);
  if (ripe.empty()) {
    co_await alarm_->wait_until(settle_.next_due());
    co_return true;
  }
  co_await claim(std::move(ripe));
  for (auto& file : just_left_) {
    if (file.reason != LeftReason::changing && file.reason != LeftReason::vanished)
      present->failed.emplace(file.name, std::move(file));
  }
  co_return present->failed.size() < kMostFailed;
}

asio::awaitable<Result<DrainReport>> Intake::left_behind() {
  const auto present = present_;
  auto report = std::make_shared<DrainReport>();
  report->accepted = total_accepted_;
  ScanOptions survey;
  survey.wanted = [present, report](const SeenFile& file) {
    ++report->left_count;
    if (report->left.size() >= DrainReport::kMostNamed)
      return false;
    const auto failed = present->failed.find(file.name);
    if (failed != present->failed.end())
      report->left.push_back(failed->second);
    else
      report->left.push_back(
          leave(file.name, present->holds(file) ? LeftReason::changing : LeftReason::later));
    return false;
  };
  const auto page = co_await scan_page(std::move(survey));
  if (!page)
    co_return page.error().within("look into incoming/");
  report->left_count += page->odd_count;
  report->left.insert(report->left.end(), page->odd.begin(), page->odd.end());
  co_return *report;
}

}  // namespace usherd
