#include "usherd/admin/code_tally.hpp"

#include <algorithm>
#include <array>

namespace usherd {
namespace {

constexpr std::string_view kOther = "other";

}  // namespace

std::string_view to_string(RejectStage stage) {
  constexpr std::array<std::string_view, kRejectStages> names{"local", "api", "unknown"};
  return names[static_cast<std::size_t>(stage)];
}

CodeTally::Entry* CodeTally::find(RejectStage stage, std::string_view code) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.stage == stage && entry.code == code;
  });
  return found == entries_.end() ? nullptr : &*found;
}

void CodeTally::make_room() {
  // One "other" a stage stays, so there is always something else to give up.
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->code != kOther && (oldest == entries_.end() || entry->last < oldest->last))
      oldest = entry;
  }
  const Entry gone = *oldest;
  if (Entry* other = find(gone.stage, kOther)) {
    other->count += gone.count;
    other->last = std::max(other->last, gone.last);
    entries_.erase(oldest);
  } else {
    oldest->code = kOther;
  }
}

void CodeTally::add(RejectStage stage, std::string_view code, std::uint64_t count, WallTime now) {
  if (count == 0)
    return;
  Entry* entry = find(stage, code);
  if (entry == nullptr) {
    while (entries_.size() >= kMost)
      make_room();
    entries_.push_back(Entry{stage, std::string(code), 0, now});
    entry = &entries_.back();
  }
  entry->count += count;
  entry->last = now;
}

std::vector<CodeTally::Entry> CodeTally::latest() const {
  auto sorted = entries_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Entry& a, const Entry& b) { return a.last > b.last; });
  return sorted;
}

}  // namespace usherd
