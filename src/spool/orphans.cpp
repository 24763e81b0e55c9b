#include "src/spool/orphans.hpp"

#include "usherd/spool/file_name.hpp"
#include "usherd/spool/incoming_scan.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kMostLeftovers = 4096;

struct Numbered {
  FileNumber number = 0;
  std::string working;
};

Result<std::vector<Numbered>> lowest_above(Files& files, const SpoolLayout& layout, FileNumber after) {
  std::vector<Numbered> found;
  const auto by_number = [](const Numbered& left, const Numbered& right) {
    return left.number < right.number;
  };
  const auto visit = [&](std::string_view name) {
    const auto [number, rest] = SpoolLayout::parse_working_name(name);
    if (number <= after)
      return true;
    found.push_back(Numbered{number, std::string(name)});
    std::push_heap(found.begin(), found.end(), by_number);
    if (found.size() > Claimer::kMostGroup) {
      std::pop_heap(found.begin(), found.end(), by_number);
      found.pop_back();
    }
    return true;
  };
  const auto listed = files.list(layout.working(), visit);
  if (!listed)
    return listed.error();
  std::sort_heap(found.begin(), found.end(), by_number);
  return found;
}

/// The name under which it was dropped, where that is not the one it has.
Result<std::string> noted_original(Files& files, const SpoolLayout& layout, FileNumber number,
                                   std::string_view name) {
  const auto note = files.open(original_note(layout, number));
  if (!note && note.error().code == Errc::not_found)
    return std::string(name);
  if (!note)
    return note.error();
  std::array<char, 256> text{};
  const auto length = (*note)->read_at(text, 0);
  if (!length)
    return length.error();
  return *length == 0 ? std::string(name) : std::string(text.data(), *length);
}

Result<void> put_aside(Files& files, const SpoolLayout& layout, const std::string& working,
                       std::string_view name) {
  const auto from = layout.working() + "/" + working;
  auto back = files.rename(from, layout.incoming() + "/" + std::string(name));
  for (std::uint64_t number = 2; !back && back.error().code == Errc::exists && number < 100; ++number)
    back = files.rename(from, layout.incoming() + "/" + numbered_name(name, number));
  return back;
}

Result<bool> is_leftover(Files& files, const SpoolLayout& layout, Ledger& ledger,
                         const SpoolLayout::Derived& derived) {
  const auto row = ledger.file(derived.number);
  if (!row)
    return row.error();
  if (!row->has_value() || derived.kind == "original")
    return true;
  if ((*row)->state != FileState::settled)
    return false;
  // A settlement that was cut short still needs what it settles from.
  const auto stands = files.stat(layout.working_file(**row));
  return !stands && stands.error().code == Errc::not_found;
}

Result<std::set<BatchId>> open_batch_ids(Ledger& ledger) {
  std::set<BatchId> open;
  const auto visited = ledger.open_batches([&](const BatchRow& batch) -> Result<void> {
    open.insert(batch.id);
    return {};
  });
  if (!visited)
    return visited.error();
  return open;
}

}  // namespace

Result<std::vector<ClaimItem>> find_orphans(Files& files, const SpoolLayout& layout, FileNumber after) {
  const auto found = lowest_above(files, layout, after);
  if (!found)
    return found.error();
  std::vector<ClaimItem> items;
  for (const auto& orphan : *found) {
    const auto name = SpoolLayout::parse_working_name(orphan.working).second;
    ClaimItem item;
    item.seen.name = name;
    const auto path = layout.working() + "/" + orphan.working;
    const auto stat = files.stat(path);
    if (!stat)
      return stat.error();
    item.seen.stat = *stat;
    if (oddity(item.seen) || !files.open(path)) {
      const auto aside = put_aside(files, layout, orphan.working, name);
      if (!aside)
        return aside.error();
      continue;
    }
    const auto synced = files.sync(path);
    if (!synced)
      return synced.error();
    auto original = noted_original(files, layout, orphan.number, name);
    if (!original)
      return original.error();
    item.moved = true;
    item.row.number = orphan.number;
    item.row.name = name;
    item.row.original = std::move(*original);
    item.row.working = orphan.working;
    item.row.size = stat->size;
    item.row.modified_ns = stat->modified_ns;
    items.push_back(std::move(item));
  }
  return items;
}

Result<std::size_t> remove_leftovers(Files& files, const SpoolLayout& layout, Ledger& ledger,
                                     BatchId last_batch) {
  const auto open = open_batch_ids(ledger);
  if (!open)
    return open.error();
  std::size_t removed = 0;
  std::vector<std::string> leftovers;
  do {
    leftovers.clear();
    Result<void> asked{};
    const auto visit = [&](std::string_view name) {
      const auto derived = SpoolLayout::parse_derived_name(name);
      bool leftover = false;
      if (derived.of == 'b')
        // Later ones may be in the making: their merged records stand before their rows, which need not come
        // in the order of their numbers.
        leftover = derived.number <= last_batch && !open->contains(derived.number);
      if (derived.of == 'f') {
        const auto answer = is_leftover(files, layout, ledger, derived);
        if (!answer)
          asked = answer.error();
        leftover = answer && *answer;
      }
      if (leftover)
        leftovers.emplace_back(name);
      return asked.has_value() && leftovers.size() < kMostLeftovers;
    };
    const auto listed = files.list(layout.working(), visit);
    if (!listed)
      return listed.error();
    if (!asked)
      return asked.error();
    for (const auto& name : leftovers) {
      const auto gone = files.remove(layout.working() + "/" + name);
      if (!gone)
        return gone.error();
      ++removed;
    }
  } while (leftovers.size() == kMostLeftovers);
  return removed;
}

}  // namespace usherd
