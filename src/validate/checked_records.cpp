#include "usherd/validate/checked_records.hpp"

namespace usherd {

void CheckedRecords::clear() {
  columns_.clear();
  runs_.clear();
}

std::vector<Record> CheckedRecords::all() const {
  std::vector<Record> out;
  out.reserve(size());
  for (const auto& run : runs_) {
    auto offset = run.offset;
    for (std::size_t i = 0; i < run.records; ++i) {
      auto& record = out.emplace_back(columns_.at(out.size()));
      record.offset = offset;
      record.line = run.line + i;
      offset += record.length + 1ULL;
    }
  }
  return out;
}

}  // namespace usherd
