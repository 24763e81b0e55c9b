#pragma once

#include "usherd/settle/reject_store.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace usherd {

/// Rejects in the order in which their records were first accepted: one that was retried, and rejected again
/// in the file of that retry, is no newer for it. Asks the receipts and the marks of retries, not the ledger,
/// which others may not read. Holds places, no records. Blocking; references must outlive it.
class OldestFirst {
 public:
  /// Marks of retries beyond so many are not heeded: what they tell of comes with its retry.
  static constexpr std::size_t kMostMarks = 200'000;

  /// `bad` as with RejectStore::visit(); it may be null.
  OldestFirst(const RejectStore& rejects, Files& files, const SpoolLayout& layout, BadLines* bad)
      : rejects_(rejects), files_(files), layout_(layout), bad_(bad) {}

  [[nodiscard]] Result<void> visit(const RejectFilter& filter, const RejectStore::Visit& visit);

 private:
  struct Place {
    std::uint64_t offset = 0;  ///< of the record in the file it came in first
    std::size_t file = 0;      ///< whose reject it is, in names_
    std::uint64_t at = 0;
    std::size_t length = 0;
  };
  /// Where a retried record stood before.
  struct Mark {
    std::size_t file = 0;
    std::uint64_t line = 0;
    std::uint64_t offset = 0;
    std::size_t user = 0;  ///< a hash
  };

  [[nodiscard]] Result<void> find_files();
  [[nodiscard]] Result<void> learn_marks();
  [[nodiscard]] Result<void> find_retried(const RejectFilter& filter);
  [[nodiscard]] std::optional<Mark> first_place(std::size_t file, const StoredReject& reject) const;
  [[nodiscard]] Result<void> visit_file(std::size_t file, const RejectFilter& filter,
                                        const RejectStore::Visit& visit);

  const RejectStore& rejects_;
  Files& files_;
  const SpoolLayout& layout_;
  BadLines* bad_;
  BadLines passed_;  ///< what a second look at a file would name again
  /// Each file is visited once with this, and else with passed_.
  [[nodiscard]] BadLines* passed() { return bad_ == nullptr ? nullptr : &passed_; }
  std::vector<std::string> names_;                               ///< the oldest first
  std::map<std::pair<std::size_t, std::uint64_t>, Mark> marks_;  ///< by file and line of the retry
  std::set<std::size_t> retries_;                                ///< files that marks tell of
  std::map<std::size_t, std::vector<Place>> retried_;            ///< by the file they came in first
};

}  // namespace usherd
