#include "usherd/submit/active_batch.hpp"

#include <algorithm>

namespace usherd {
bool ActiveBatch::has_anonymous() const {
  return std::find(row.users.begin(), row.users.end(), 0U) != row.users.end();
}

std::size_t ActiveBatch::merged_records() const {
  return packed.empty() ? row.manifest.literals.size() : packed_merged;
}

void ActiveBatch::pack() {
  if (packed.empty()) {
    packed = row.manifest.encode();
    packed.shrink_to_fit();
    packed_merged = row.manifest.literals.size();
  }
  row.manifest = Manifest{};
}

void ActiveBatch::unpack() {
  if (!packed.empty() && row.manifest == Manifest{})
    row.manifest = Manifest::decode(packed).value();
}

Manifest ActiveBatch::whole_manifest() const {
  return packed.empty() ? row.manifest : Manifest::decode(packed).value();
}

BatchRow ActiveBatch::whole_row() const {
  auto whole = row;
  whole.manifest = whole_manifest();
  return whole;
}

}  // namespace usherd
