#pragma once

#include "usherd/ledger/ledger_reader.hpp"
#include "usherd/settle/reject_store.hpp"
#include "usherd/validate/user_keys.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace usherd {

/// Where a rejected record stands in its file: what tells which of two updates of a user is newer.
struct RecordPlace {
  FileNumber file = 0;         ///< 0: forgotten
  std::uint64_t position = 0;  ///< its line where these compare, else its offset
  BatchId batch = 0;
  bool lines_compare = true;  ///< lines count as the ones that are read do
  bool is_first = true;       ///< no retry stood before; else it may be older than its place says
};

[[nodiscard]] RecordPlace place_of(const StoredReject& reject, FileNumber file);

/// Where the records of retry files stood before they were sent again: a retry gives its records a later
/// file, but no newer data. Learnt from the marks at their old lines; plain values afterwards.
class RetriedPlaces {
 public:
  /// What is beyond counts as not known.
  static constexpr std::size_t kMost = 200'000;

  /// Of these users' records. Blocking.
  /// Lines that are no rejects are passed over and noted in `bad`: they may have been such marks.
  [[nodiscard]] Result<void> learn(const RejectStore& rejects, LedgerReader& ledger, const UserKeys& keys,
                                   const std::unordered_set<std::uint64_t>& users, BadLines& bad);
  /// The first place of the record that is read at this line, where that is not this one itself.
  [[nodiscard]] std::optional<RecordPlace> of(FileNumber file, std::uint64_t line, std::uint64_t key) const;

 private:
  struct Before {
    RecordPlace place;
    std::uint64_t key = 0;
    std::uint64_t second = 0;
  };
  std::map<std::pair<FileNumber, std::uint64_t>, Before> before_;
};

}  // namespace usherd
