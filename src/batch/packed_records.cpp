#include "usherd/batch/packed_records.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace usherd {
namespace {

/// The parts of a column that begin at `starts` and end before the one behind them, in another order.
template <class Value>
void gather(std::vector<Value>& column, std::span<const std::size_t> order,
            std::span<const std::size_t> starts) {
  std::vector<Value> out;
  out.reserve(column.size());
  for (const auto run : order)
    out.insert(out.end(), column.begin() + static_cast<std::ptrdiff_t>(starts[run]),
               column.begin() + static_cast<std::ptrdiff_t>(starts[run + 1]));
  column = std::move(out);
}

/// A batch may have lingered with a few records, and what it gives away is kept until it has ended.
template <class Value>
std::vector<Value> give(std::vector<Value>& column) {
  if (column.size() < column.capacity() / 2)
    column.shrink_to_fit();
  return std::move(column);
}

}  // namespace

template <class Visit>
void PackedRecords::walk(Visit visit) const {
  std::size_t position = 0;
  for (const auto& run : runs_) {
    auto offset = run.offset;
    auto line = run.line;
    for (const auto end = position + run.records; position < end; ++position) {
      QueuedRecord next{columns_.at(position), run.file};
      next.record.offset = offset;
      next.record.line = line++;
      offset += next.record.length + 1ULL;
      if (!visit(position, next))
        return;
    }
  }
}

std::vector<QueuedRecord> PackedRecords::at(std::span<const std::size_t> positions) const {
  std::vector<QueuedRecord> out;
  out.reserve(positions.size());
  walk([&](std::size_t position, const QueuedRecord& record) {
    if (out.size() < positions.size() && positions[out.size()] == position)
      out.push_back(record);
    return out.size() < positions.size();
  });
  return out;
}

std::vector<QueuedRecord> PackedRecords::all() const {
  std::vector<QueuedRecord> out;
  out.reserve(size());
  walk([&](std::size_t, const QueuedRecord& record) {
    out.push_back(record);
    return true;
  });
  return out;
}

void PackedRecords::remove(std::span<const std::size_t> positions) {
  if (positions.empty())
    return;
  PackedRecords rest;
  rest.reserve(size());
  std::size_t next = 0;
  walk([&](std::size_t position, const QueuedRecord& record) {
    if (next < positions.size() && positions[next] == position)
      ++next;
    else
      rest.add(record.record, record.file);
    return true;
  });
  *this = std::move(rest);
}

/// Puts the runs into body order, and their entries in the columns with them.
void PackedRecords::reorder(std::span<const FileNumber> numbers) {
  const auto before = [&](const SlotRun& a, const SlotRun& b) {
    return a.file != b.file ? numbers[a.file] < numbers[b.file] : a.offset < b.offset;
  };
  if (std::is_sorted(runs_.begin(), runs_.end(), before))
    return;
  std::vector<std::size_t> starts(runs_.size() + 1);
  for (std::size_t i = 0; i < runs_.size(); ++i)
    starts[i + 1] = starts[i] + runs_[i].records;
  std::vector<std::size_t> order(runs_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return before(runs_[a], runs_[b]); });
  if (!columns_.seconds.empty()) {
    columns_.seconds.resize(size());
    gather(columns_.seconds, order, starts);
  }
  gather(columns_.users, order, starts);
  gather(columns_.lengths, order, starts);
  gather(columns_.sums, order, starts);
  std::sort(runs_.begin(), runs_.end(), before);
}

std::vector<Run> PackedRecords::manifest_runs(std::span<const FileNumber> numbers) const {
  std::vector<Run> out;
  out.reserve(runs_.size());
  std::size_t position = 0;
  for (const auto& run : runs_) {
    Run next{numbers[run.file], run.offset, run.records - 1ULL, run.line, run.records};
    for (const auto end = position + run.records; position < end; ++position)
      next.length += columns_.lengths[position];
    const bool follows = !out.empty() && out.back().file == next.file &&
                         out.back().offset + out.back().length + 1 == next.offset &&
                         out.back().line + out.back().records == next.line;
    if (follows) {
      out.back().length += next.length + 1;
      out.back().records += next.records;
    } else {
      out.push_back(next);
    }
  }
  // It is kept until the batch has ended.
  out.shrink_to_fit();
  return out;
}

PackedRecords::Sorted PackedRecords::take_sorted(std::span<const FileNumber> numbers) {
  reorder(numbers);
  if (!columns_.seconds.empty())
    columns_.seconds.resize(size());
  Sorted out{manifest_runs(numbers), give(columns_.users), give(columns_.seconds), give(columns_.lengths),
             give(columns_.sums)};
  *this = PackedRecords();
  return out;
}

}  // namespace usherd
