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
  if (moved_) {
    const auto group = moved_;
    const auto committed = co_await commit(group);
    if (!committed)
      co_return committed.error();
  }
  while (true) {
    const auto adopted = co_await adopt_group();
    if (!adopted)
      co_return adopted.error().within("adopt files of working/");
    if (*adopted == 0)
      break;
    report.adopted += *adopted;
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
  co_return report;
}

asio::awaitable<Result<std::size_t>> Claimer::adopt_group() {
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
    co_return std::size_t{0};
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
  moved_ = group;
  const auto committed = co_await commit(group);
  if (!committed)
    co_return committed.error();
  co_return count;
}

}  // namespace usherd
