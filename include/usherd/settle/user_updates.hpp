#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/ledger_reader.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/settle/unsearched.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/validate/record.hpp"
#include "usherd/validate/user_keys.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace usherd {

/// One accepted record of a user, wherever it stands now. Valid only while it is visited.
struct UserUpdate {
  std::uint64_t key = 0;  ///< the one of the keys looked for that it has
  FileNumber file = 0;
  std::uint64_t line = 0;                           ///< in the NDJSON that is read
  BatchId batch = 0;                                ///< 0: in no batch yet
  bool folded = false;                              ///< merged into a newer record of its batch
  const LedgerReader::BatchFacts* facts = nullptr;  ///< of that batch
};

/// Finds the accepted records of some users: in the batches that the ledger keeps, and in what was not read
/// yet. Changes nothing, also beside a running daemon. Holds a batch's manifest, a block of a file, and a
/// place for each record of these users in files that are not settled. Blocking; references must outlive it.
class UserUpdates {
 public:
  /// Of the backlog: a scan reads and checks some hundred MB in a second.
  static constexpr std::uint64_t kMostScanned = std::uint64_t{2} << 30;

  UserUpdates(LedgerReader& ledger, Files& files, SpoolLayout layout, const UserKeys& keys)
      : ledger_(ledger), files_(files), layout_(std::move(layout)), keys_(keys) {}

  using Visit = std::function<Result<void>(const UserUpdate&)>;
  /// In batches, oldest batch first, then those whose merged record was taken apart, then in the backlog in
  /// order of acceptance. A record that has two of the keys is shown for each.
  [[nodiscard]] Result<void> visit(std::span<const std::uint64_t> keys, const Visit& visit);
  /// Accepted files that the last visit() did not look into to their end.
  [[nodiscard]] const Unsearched& unsearched() const { return unsearched_; }

 private:
  [[nodiscard]] Result<void> in_batches(std::span<const std::uint64_t> keys, const Visit& visit);
  [[nodiscard]] Result<void> in_singles(const std::unordered_set<std::uint64_t>& keys, const Visit& visit);
  [[nodiscard]] Result<void> in_backlog(const std::unordered_set<std::uint64_t>& keys, const Visit& visit);
  [[nodiscard]] static Result<void> tell(const Record& record, FileNumber file,
                                         const std::unordered_set<std::uint64_t>& keys, const Visit& visit);
  /// Why a file of working/ that could not be opened was not looked into; nothing where all of the disk is at
  /// fault.
  [[nodiscard]] std::optional<Unsearched::Why> why_shut(const SpoolFile& file, const Error& error);
  [[nodiscard]] Unsearched::Why why_unconverted(const SpoolFile& file);
  [[nodiscard]] Result<void> in_file(const SpoolFile& file, const std::unordered_set<std::uint64_t>& keys,
                                     const Visit& visit);

  LedgerReader& ledger_;
  Files& files_;
  SpoolLayout layout_;
  const UserKeys& keys_;
  std::set<std::pair<FileNumber, std::uint64_t>> seen_;  ///< file and line of what batches hold
  Unsearched unsearched_;
  std::uint64_t scanned_ = 0;
};

}  // namespace usherd
