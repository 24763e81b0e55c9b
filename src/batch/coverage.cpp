#include "usherd/batch/coverage.hpp"

#include <algorithm>

namespace usherd {
namespace {

/// Runs added before they are joined: bounds the memory of a file that was sent in many small pieces.
constexpr std::size_t kUnsortedMost = 65'536;

bool before(const Run& a, const Run& b) {
  return a.offset < b.offset;
}

}  // namespace

void Coverage::add(const Manifest& manifest, FileNumber file, const ReadMark& mark) {
  const auto consider = [&](Run run) {
    const auto end = run.offset + run.length;
    if (run.file != file || end <= mark.offset)
      return;
    if (run.offset < mark.offset) {
      // It reaches over the mark: its lines follow each other without a gap, so the mark's line tells how
      // many.
      run.records -= static_cast<std::uint32_t>(mark.line - run.line);
      run.line = mark.line;
      run.offset = mark.offset;
      run.length = end - mark.offset;
    }
    add(run);
  };
  for (const auto& run : manifest.runs)
    consider(run);
  for (const auto& literal : manifest.literals) {
    for (const auto& source : literal.sources)
      consider(source);
  }
}

void Coverage::add(const Run& run) {
  runs_.push_back(run);
  if (runs_.size() - sorted_ > kUnsortedMost + sorted_ / 2)
    join();
}

void Coverage::close() {
  join();
}

void Coverage::join() {
  std::sort(runs_.begin(), runs_.end(), before);
  std::vector<Run> joined;
  for (const auto& run : runs_) {
    // Neighbouring lines: the bytes between are a newline and blanks.
    if (!joined.empty() && joined.back().line + joined.back().records == run.line &&
        joined.back().records < 0xFFFF'0000U - run.records) {
      joined.back().length = run.offset + run.length - joined.back().offset;
      joined.back().records += run.records;
    } else {
      joined.push_back(run);
    }
  }
  runs_ = std::move(joined);
  sorted_ = runs_.size();
}

const Run* Coverage::next(std::uint64_t offset) const {
  const auto found =
      std::upper_bound(runs_.begin(), runs_.end(), offset,
                       [](std::uint64_t at, const Run& run) { return at < run.offset + run.length; });
  return found == runs_.end() ? nullptr : &*found;
}

}  // namespace usherd
