#include "usherd/batch/packed_records.hpp"

#include "tests/unit/batch/spool_text.hpp"

#include <algorithm>
#include <random>
#include <tuple>
#include <utility>

namespace usherd::test {
namespace {

const std::vector<FileNumber> kNumbers = {30, 10, 20};

using Fields = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                          std::uint64_t, std::uint32_t, std::uint8_t>;

Fields fields(const QueuedRecord& queued) {
  const auto& record = queued.record;
  return {queued.file,   record.offset, record.line,   record.user,
          record.second, record.sum,    record.length, record.flags};
}

std::vector<Fields> fields(const std::vector<QueuedRecord>& records) {
  std::vector<Fields> out;
  for (const auto& record : records)
    out.push_back(fields(record));
  return out;
}

/// Three files whose lines are records but for some, in the order of reading; a few are moved elsewhere, as
/// those that had to wait for their user are.
std::vector<QueuedRecord> some_records(std::mt19937& random, bool with_seconds) {
  std::vector<QueuedRecord> out;
  for (const std::uint32_t file : {1U, 2U, 0U}) {
    std::uint64_t offset = 0;
    for (std::uint64_t line = 1; line <= 40; ++line) {
      QueuedRecord next;
      next.file = file;
      next.record = {random(), 0, offset, line, random(), 2 + static_cast<std::uint32_t>(random() % 50), 0};
      next.record.flags = random() % 2 == 0 ? kMergeable : 0;
      if (with_seconds && random() % 8 == 0)
        next.record.second = random();
      offset += next.record.length + 1;
      if (random() % 6 != 0)
        out.push_back(next);
    }
  }
  for (int i = 0; i < 10; ++i)
    std::swap(out[random() % out.size()], out[random() % out.size()]);
  return out;
}

/// What should come of them, said the plain way.
PackedRecords::Sorted plainly_sorted(std::vector<QueuedRecord> records) {
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) {
    return std::pair(kNumbers[a.file], a.record.offset) < std::pair(kNumbers[b.file], b.record.offset);
  });
  PackedRecords::Sorted out;
  bool has_seconds = false;
  for (const auto& [record, file] : records) {
    const auto number = kNumbers[file];
    if (!out.runs.empty() && out.runs.back().file == number &&
        out.runs.back().line + out.runs.back().records == record.line) {
      out.runs.back().length = record.offset + record.length - out.runs.back().offset;
      ++out.runs.back().records;
    } else {
      out.runs.push_back({number, record.offset, record.length, record.line, 1});
    }
    out.users.push_back(record.user);
    out.seconds.push_back(record.second);
    out.lengths.push_back(record.length);
    out.sums.push_back(record.sum);
    has_seconds = has_seconds || record.second != 0;
  }
  if (!has_seconds)
    out.seconds.clear();
  return out;
}

void check_sorted(PackedRecords columns, const std::vector<QueuedRecord>& records) {
  const auto got = columns.take_sorted(kNumbers);
  const auto want = plainly_sorted(records);
  CHECK(got.runs == want.runs);
  CHECK(got.users == want.users);
  CHECK(got.seconds == want.seconds);
  CHECK(got.lengths == want.lengths);
  CHECK(got.sums == want.sums);
  CHECK(columns.empty());
  CHECK(columns.all().empty());
}

}  // namespace

TEST_CASE("Packed records are all there in the order of adding, and in body order when they are taken") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto records = some_records(random, seed % 2 == 0);
    const auto columns = packed(records);
    REQUIRE(columns.size() == records.size());
    CHECK(fields(columns.all()) == fields(records));
    for (std::size_t i = 0; i < records.size(); ++i) {
      CHECK(columns.user(i) == records[i].record.user);
      CHECK(columns.flags(i) == records[i].record.flags);
    }
    check_sorted(columns, records);
  }
}

TEST_CASE("In body order already, each has a second key or a 0 if one of them has one") {
  std::vector<QueuedRecord> records;
  for (std::uint64_t i = 0; i < 5; ++i)
    records.push_back({{100 + i, i == 1 ? 7U : 0U, 10 * i, 1 + i, 200 + i, 9, 0}, 0});
  check_sorted(packed(records), records);
}

TEST_CASE("Packed records can be looked at and taken out by their positions") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto records = some_records(random, seed % 2 == 0);
    std::vector<std::size_t> positions;
    std::vector<QueuedRecord> chosen;
    std::vector<QueuedRecord> rest;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const bool is_chosen = random() % (1 + seed) == 0;
      if (is_chosen)
        positions.push_back(i);
      (is_chosen ? chosen : rest).push_back(records[i]);
    }
    auto columns = packed(records);
    CHECK(fields(columns.at(positions)) == fields(chosen));
    columns.remove(positions);
    CHECK(fields(columns.all()) == fields(rest));
    check_sorted(columns, rest);
  }
}

TEST_CASE("Packed records begin anew once they were taken") {
  std::mt19937 random(1);
  auto records = some_records(random, true);
  auto columns = packed(records);
  static_cast<void>(columns.take_sorted(kNumbers));
  // The first would stand right behind the last of before.
  auto& next = records.back().record;
  next.offset += next.length + 1;
  ++next.line;
  next.second = 0;
  columns.add(next, records.back().file);
  check_sorted(columns, {records.back()});
}

TEST_CASE("A few records in room for many give the room back") {
  PackedRecords columns;
  columns.reserve(5000);
  columns.add({7, 0, 0, 1, 9, 10, 0}, 0);
  const auto taken = columns.take_sorted(kNumbers);
  CHECK(taken.users.capacity() < 100);
  CHECK(taken.lengths.capacity() < 100);
  CHECK(taken.sums.capacity() < 100);
}

}  // namespace usherd::test
