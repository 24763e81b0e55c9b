#include "src/spool/claim_group.hpp"
#include "src/spool/free_name.hpp"
#include "src/spool/orphans.hpp"
#include "usherd/spool/claim.hpp"

#include <algorithm>
#include <utility>

namespace usherd {
namespace asio = boost::asio;

asio::awaitable<Result<AdoptReport>> Claimer::adopt() {
  AdoptReport report;
  if (const auto recalled = co_await recall(); !recalled)
    co_return recalled.error();
  if (moved_) {
    const auto group = moved_;
    const auto committed = co_await commit(group);
    if (!committed)
      co_return committed.error();
  }
  while (true) {
    const auto adopted = co_await adopt_group(report);
    if (!adopted)
      co_return adopted.error().within("adopt files of working/");
    if (!*adopted)
      break;
  }
  auto& files = files_;
  const auto layout = layout_;
  auto sweep = [&files, layout, last = last_batch_](Ledger& ledger) {
    return remove_leftovers(files, layout, ledger, last);
  };
  const auto removed = co_await commits_.ask(std::move(sweep));
  if (!removed)
    co_return removed.error().within("clear working/ of leftovers");
  report.removed = *removed;
  adopted_ = true;
  co_await remember(false);
  co_return report;
}

asio::awaitable<Result<void>> Claimer::recall() {
  if (remembered_)
    co_return Result<void>{};
  auto& files = files_;
  const auto layout = layout_;
  auto read = [&files, layout]() -> Result<Numbers> {
    auto found = read_numbers(files, layout);
    // Several stand there where a rename was torn: one is enough.
    if (found && *found != Numbers{})
      static_cast<void>(replace_numbers(files, layout, *found));
    return found;
  };
  const auto found = co_await workers_.run(std::move(read));
  if (!found)
    co_return found.error();
  remembered_ = *found;
  last_number_ = std::max(last_number_, found->claimed);
  co_return Result<void>{};
}

asio::awaitable<void> Claimer::remember(bool for_good) {
  if (!adopted_ || !remembered_)
    co_return;
  auto held = [](Ledger& ledger) { return numbers_of(ledger); };
  const auto known = co_await commits_.ask(std::move(held));
  if (!known)
    co_return;
  const auto before = *remembered_;
  const auto now = highest(before, *known);
  auto& files = files_;
  const auto layout = layout_;
  auto tell = [&files, layout, before, now, for_good]() -> Result<void> {
    auto moved = move_numbers(files, layout, before, now);
    return moved && for_good ? files.sync(layout.root()) : moved;
  };
  if (before == now && !for_good)
    co_return;
  const auto told = co_await workers_.run(std::move(tell));
  if (told)
    remembered_ = now;
}

asio::awaitable<Result<bool>> Claimer::adopt_group(AdoptReport& report) {
  auto last = [](Ledger& ledger) { return ledger.last_file_number(); };
  const auto number = co_await commits_.ask(std::move(last));
  if (!number)
    co_return number.error();
  last_number_ = std::max(last_number_, *number);

  auto& files = files_;
  const auto layout = layout_;
  auto find = [&files, layout, after = *number] { return find_orphans(files, layout, after); };
  auto found = co_await workers_.run(std::move(find));
  if (!found)
    co_return found.error();
  if (found->empty())
    co_return false;
  auto group = std::make_shared<Group>();
  group->items = std::move(*found);
  for (auto& item : group->items) {
    item.row.accepted = timers_.now().wall;
    describe(item.row);
    last_number_ = std::max(last_number_, item.row.number);
  }
  // Free as a rule, as it was chosen so; a name that is taken after all must not keep the rest from their
  // rows.
  auto name = [group, &files, layout](Ledger& ledger) -> Result<void> {
    FreeNames names(files, layout, ledger);
    for (auto& item : group->items) {
      auto free = names.claim(item.row.name, item.row.name);
      if (!free)
        return free.error();
      item.row.name = std::move(*free);
    }
    return {};
  };
  const auto named = co_await commits_.ask(std::move(name));
  if (!named)
    co_return named.error();
  const auto count = group->items.size();
  std::uint64_t bytes = 0;
  for (const auto& item : group->items)
    bytes += item.row.size;
  moved_ = group;
  const auto committed = co_await commit(group);
  if (!committed)
    co_return committed.error();
  report.adopted += count;
  report.bytes += bytes;
  co_return true;
}

}  // namespace usherd
