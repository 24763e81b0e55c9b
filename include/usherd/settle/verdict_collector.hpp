#pragma once

#include "usherd/batch/operations.hpp"
#include "usherd/poll/result_page.hpp"
#include "usherd/settle/batch_verdict.hpp"
#include "usherd/submit/api_answer.hpp"
#include "usherd/validate/user_keys.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace usherd {

/// What a job's status alone says of its batch.
enum class JobEnd : std::uint8_t {
  all_imported,
  read_errors,            ///< /errors tells which records failed
  failed_without_errors,  ///< FAILED, nothing imported, no error counted
};

/// By counts as well as by status, as sources disagree on what COMPLETED and FAILED mean [ASYNC, SPEC].
[[nodiscard]] JobEnd judge(const JobAnswer& answer, std::uint64_t operations);

/// Matches what /errors and /imports name to the operations of a batch: by user, confirmed by the record's
/// own bytes, or by equal content where a record has no user. Each operation is matched once. Blocking: reads
/// records.
class VerdictCollector {
 public:
  VerdictCollector(Files& disk, BodyPaths paths, const BatchRow& row, const UserKeys& keys);

  /// Errc::corrupt when the batch's files are not what was sent.
  [[nodiscard]] Result<void> add_errors(const ResultPage& page);
  [[nodiscard]] Result<void> add_imports(const ResultPage& page);

  /// The errors named account for all that the job counted: what was not named was imported.
  [[nodiscard]] bool is_complete(const JobAnswer& answer) const;
  /// The verdict; where it is not complete, what neither list names is unknown.
  [[nodiscard]] BatchVerdict verdict(const JobAnswer& answer) const;

 private:
  enum class Seen : std::uint8_t { nowhere, imported, rejected };
  [[nodiscard]] Result<void> find_operations();
  [[nodiscard]] Result<std::optional<std::uint32_t>> match(const ResultItem& item);
  [[nodiscard]] Result<bool> is_same(std::uint32_t index, const ResultItem& item);
  std::uint32_t reason(const ResultItem& item);

  Files& disk_;
  BodyPaths paths_;
  Manifest manifest_;
  const std::vector<std::uint64_t>& users_;
  const UserKeys& keys_;
  std::optional<Operations> operations_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_user_;
  std::vector<Seen> seen_;
  std::vector<std::uint32_t> reason_of_;
  std::vector<Reason> reasons_;
  std::unordered_map<std::string, std::uint32_t> reason_index_;
  std::uint64_t rejected_ = 0;
  bool unmatched_ = false;
};

}  // namespace usherd
