#pragma once

#include "tests/fakes/temp_directory.hpp"

#include "usherd/core/units.hpp"
#include "usherd/ledger/ledger.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

/// A failed check of a result shows its error.
template <class T>
struct doctest::StringMaker<boost::system::result<T, usherd::Error>> {
  static String convert(const boost::system::result<T, usherd::Error>& result) {
    return result.has_value() ? "a value" : ("error: " + result.error().message).c_str();
  }
};

namespace usherd::test {

/// A directory for a ledger.
class Scratch : public fakes::TempDirectory {
 public:
  [[nodiscard]] std::string ledger_file() const { return path() + "/ledger.sqlite"; }
};

/// A ledger in a directory of its own, with everything a test says over and over.
struct LedgerBench {
  Scratch scratch;
  std::unique_ptr<Ledger> ledger = std::move(Ledger::open(scratch.path()).value());

  Ledger* operator->() { return ledger.get(); }
  [[nodiscard]] Result<void> commit(const std::function<Result<void>(Ledger&)>& change) {
    return ledger->transaction([&] { return change(*ledger); });
  }
  void reopen() {
    ledger.reset();
    ledger = std::move(Ledger::open(scratch.path()).value());
  }
};

using GroupChange = std::function<Result<void>(Ledger&)>;

inline std::string said(const Result<void>& result) {
  return result ? "ok" : result.error().message;
}

inline WallTime wall(std::int64_t ms) {
  return WallTime{Milliseconds{ms}};
}

inline SpoolFile sample_file(FileNumber number) {
  SpoolFile file;
  file.number = number;
  file.name = fmt::format("users~{}.ndjson", number);
  file.original = "users.ndjson";
  file.working = fmt::format("{:012}.{}", number, file.name);
  file.size = 1000;
  file.modified_ns = 1234567890123456789;
  file.accepted = wall(1764000000123);
  return file;
}

inline Share share_of(FileNumber file, std::uint64_t records, std::uint64_t end_offset) {
  Share share;
  share.file = file;
  share.records = records;
  share.end_offset = end_offset;
  return share;
}

inline Share all_imported(Share share) {
  share.outcomes = Outcomes{};
  share.outcomes.imported = share.records;
  return share;
}

inline BatchRow sample_batch(BatchId id, FileNumber file = 1) {
  BatchRow batch;
  batch.id = id;
  batch.key = fmt::format("00000000-0000-4000-8000-{:012}", id);
  batch.body_length = 321;
  batch.digest.fill(static_cast<std::uint8_t>(id));
  batch.manifest.runs = {{file, 0, 100, 1, 3}};
  batch.users = {1, 0, 0xFFFFFFFFFFFFFFFF};
  batch.seconds = {7};
  batch.created = wall(1764000000456);
  return batch;
}

/// File `number`, ready, its mark at the start.
inline Result<void> add_ready_file(Ledger& ledger, FileNumber number) {
  auto added = ledger.insert_file(sample_file(number));
  return added ? ledger.file_ready(number, false, 1000) : added;
}

/// Batch `id` with three records of `file`.
inline Result<void> add_batch(Ledger& ledger, BatchId id, FileNumber file = 1) {
  const Share share = share_of(file, 3, 100);
  return ledger.insert_batch(sample_batch(id, file), {&share, 1});
}

inline Result<void> end_batch(Ledger& ledger, BatchId id, FileNumber file = 1) {
  const Share share = all_imported(share_of(file, 3, 100));
  return ledger.batch_ended(id, {&share, 1}, wall(1764000009000), nullptr, {});
}

inline Outcomes imported(std::uint64_t count) {
  Outcomes outcomes;
  outcomes.imported = count;
  return outcomes;
}

}  // namespace usherd::test
