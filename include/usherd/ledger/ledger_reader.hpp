#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/rows.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

class Database;

/// Looks into a ledger without ever changing it, also beside a running daemon. Owns a read-only connection.
/// Not thread-safe: one thread at a time. Blocks.
class LedgerReader {
 public:
  /// Makes nothing: an error where there is no ledger; Errc::corrupt for a database that is none.
  [[nodiscard]] static Result<std::unique_ptr<LedgerReader>> open(const std::string& directory);
  ~LedgerReader();
  LedgerReader(const LedgerReader&) = delete;
  LedgerReader& operator=(const LedgerReader&) = delete;

  /// From here on everything is seen as it stands now, until this is called again. Meanwhile the writer's log
  /// can only grow: not for long.
  [[nodiscard]] Result<void> hold_still();

  [[nodiscard]] Result<std::optional<std::string>> fact(std::string_view name);

  /// An operation of a batch that belongs to a user who is looked for.
  struct Found {
    BatchId batch = 0;
    std::size_t operation = 0;  ///< in body order
    std::uint64_t key = 0;
  };
  /// Visits what batches hold of these users, oldest batch first. Reads 8 bytes for each operation that the
  /// ledger keeps: 80 MB for ten million.
  [[nodiscard]] Result<void> find_users(std::span<const std::uint64_t> keys,
                                        const std::function<Result<void>(const Found&)>& visit);

  struct BatchFacts {
    BatchState state = BatchState::frozen;
    Manifest manifest;
    std::string job;
    std::optional<WallTime> submitted;
    std::optional<WallTime> finished;
  };
  [[nodiscard]] Result<BatchFacts> batch(BatchId id);

  /// How the records that a batch holds of a file ended; nothing where it holds none.
  [[nodiscard]] Result<std::optional<Outcomes>> outcomes(BatchId batch, FileNumber file);

  [[nodiscard]] Result<std::optional<SpoolFile>> file(FileNumber number);
  [[nodiscard]] Result<std::optional<SpoolFile>> file_named(std::string_view name);
  /// Files that are not settled, in order.
  [[nodiscard]] Result<std::vector<SpoolFile>> open_files(FileNumber after, std::size_t most);
  /// Records that must be sent by themselves, in order.
  [[nodiscard]] Result<std::vector<Run>> singles();
  [[nodiscard]] Result<FileNumber> last_file_number();
  /// The highest number of a file that was forgotten, 0 for none: of files above it everything is known.
  [[nodiscard]] Result<FileNumber> last_forgotten();

 private:
  explicit LedgerReader(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace usherd
