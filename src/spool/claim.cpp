#include "usherd/spool/claim.hpp"

#include "src/spool/claim_group.hpp"
#include "src/spool/lanes.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

namespace usherd {
namespace asio = boost::asio;

namespace {

void drop_left(std::vector<ClaimItem>& items, ClaimReport& report) {
  for (auto& item : items) {
    if (item.changed)
      report.changed.push_back(item.seen);
    if (item.left)
      report.left.push_back(std::move(*item.left));
  }
  std::erase_if(items, [](const ClaimItem& item) { return !item.moved; });
}

}  // namespace

Claimer::Claimer(SpoolLayout layout, Files& files, Timers& timers, Workers workers, GroupCommit& commits,
                 BatchId last_batch)
    : layout_(std::move(layout)),
      files_(files),
      timers_(timers),
      workers_(std::move(workers)),
      commits_(commits),
      last_batch_(last_batch) {}

asio::awaitable<ClaimReport> Claimer::take(std::vector<SeenFile> group) {
  assert(group.size() <= kMostGroup);
  auto report = co_await finish();
  if (report.stopped)
    co_return report;
  std::sort(group.begin(), group.end(), dropped_before);
  auto claim = std::make_shared<Group>();
  for (auto& seen : group) {
    ClaimItem item;
    item.seen = std::move(seen);
    claim->items.push_back(std::move(item));
  }
  const auto moved = co_await move(claim);
  if (!moved) {
    report.stopped = moved.error();
    co_return report;
  }
  drop_left(claim->items, report);
  const auto stopped = claim->stopped;
  auto committed = co_await finish();
  report.files += committed.files;
  report.bytes += committed.bytes;
  report.stopped = std::move(committed.stopped);
  if (!report.stopped)
    report.stopped = stopped;
  co_return report;
}

asio::awaitable<Result<void>> Claimer::move(std::shared_ptr<Group> group) {
  auto& files = files_;
  const auto layout = layout_;
  auto check = [group, &files, layout](std::size_t from, std::size_t to) {
    check_and_sync(files, layout, std::span(group->items).subspan(from, to - from));
  };
  co_await in_lanes(workers_, group->items.size(), std::move(check));

  // Those left behind go to the end and get no numbers.
  const auto rest = std::stable_partition(group->items.begin(), group->items.end(),
                                          [](const ClaimItem& item) { return !item.left; });
  const auto good = static_cast<std::size_t>(rest - group->items.begin());
  for (auto& item : std::span(group->items).first(good)) {
    item.row.number = ++last_number_;
    item.row.size = item.seen.stat.size;
    item.row.modified_ns = item.seen.stat.modified_ns;
    item.row.accepted = timers_.now().wall;
  }
  auto name = [group, &files, layout, good](Ledger& ledger) {
    return choose_names(files, layout, ledger, std::span(group->items).first(good));
  };
  const auto named = co_await commits_.ask(std::move(name));
  if (!named)
    co_return named.error();
  for (auto& item : std::span(group->items).first(good))
    describe(item.row);

  // From here on the group must be finished, whatever becomes of this coroutine.
  moved_ = group;
  auto rename = [group, &files, layout] {
    move_group(files, layout, *group);
    return true;
  };
  co_await workers_.run(std::move(rename));
  co_return Result<void>{};
}

asio::awaitable<ClaimReport> Claimer::finish() {
  ClaimReport report;
  if (moved_) {
    const auto group = moved_;
    const auto committed = co_await commit(group);
    if (!committed) {
      report.stopped = committed.error();
      co_return report;
    }
    for (const auto& item : group->items) {
      report.files += item.moved ? 1 : 0;
      report.bytes += item.moved ? item.row.size : 0;
    }
  }
  if (!adopted_) {
    const auto adopted = co_await adopt();
    if (!adopted) {
      report.stopped = adopted.error();
      co_return report;
    }
    report.files += adopted->adopted;
    report.bytes += adopted->bytes;
  }
  co_return report;
}

asio::awaitable<Result<void>> Claimer::commit(std::shared_ptr<Group> group) {
  std::erase_if(group->items, [](const ClaimItem& item) { return !item.moved; });
  auto& files = files_;
  const auto layout = layout_;
  if (!group->items.empty() && !group->synced) {
    auto now = remembered_.value_or(Numbers{});
    const auto before = now;
    now.claimed = std::max(now.claimed, last_number_);
    now.known = std::max(now.known, committed_);
    auto sync = [&files, layout, before, now] { return sync_folders(files, layout, before, now); };
    const auto synced = co_await workers_.run(std::move(sync));
    if (!synced)
      co_return synced.error().within("sync the folders");
    remembered_ = now;
    group->synced = true;
  }
  if (!group->items.empty()) {
    GroupCommit::Change change = [group](Ledger& ledger) { return insert_rows(ledger, group->items); };
    const auto committed = co_await commits_.apply(std::move(change));
    if (!committed)
      co_return committed.error().within("commit accepted files");
    for (const auto& item : group->items)
      committed_ = std::max(committed_, item.row.number);
  }
  adopted_ = adopted_ && !group->orphaned;
  moved_ = nullptr;
  auto remove_notes = [group, &files, layout] {
    for (const auto& item : group->items) {
      // One that stays is a leftover, which the next start removes.
      if (item.row.original != item.row.name)
        static_cast<void>(files.remove(original_note(layout, item.row.number)));
    }
    return true;
  };
  const bool noted = std::any_of(group->items.begin(), group->items.end(),
                                 [](const ClaimItem& item) { return item.row.original != item.row.name; });
  if (noted)
    co_await workers_.run(std::move(remove_notes));
  co_return Result<void>{};
}

}  // namespace usherd
