#include "usherd/settle/nameless_records.hpp"

#include <iterator>
#include <limits>

namespace usherd {

std::optional<NamelessRecords::Entry> NamelessRecords::find(const ContentKeys& item) const {
  const auto written = first_of(item);
  if (written != entries_.end() && written->keys == item)
    return *written;
  const auto same = first_of({item.normal, item.value, 0});
  if (same != entries_.end() && same->keys.normal == item.normal && same->keys.value == item.value)
    return *same;
  const auto alike = first_of({item.normal, 0, 0});
  return alike != entries_.end() && alike->keys.normal == item.normal ? std::optional(*alike) : std::nullopt;
}

void NamelessRecords::take(const Entry& entry, const ContentKeys& item) {
  if (entry.keys.value != item.value)
    doubt(item.normal);
  remove(entry);
}

void NamelessRecords::doubt(std::uint64_t normal) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  const auto first = first_of({normal, 0, 0});
  const auto end = entries_.upper_bound({{normal, kMost, kMost}, std::numeric_limits<std::uint32_t>::max()});
  if (first->keys.value == std::prev(end)->keys.value || !doubted_.insert(normal).second)
    return;
  auto& group = doubtful_.emplace_back();
  for (auto at = first; at != end; ++at)
    group.push_back(at->index);
}

}  // namespace usherd
