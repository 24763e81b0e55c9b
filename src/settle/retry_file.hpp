#pragma once

#include "src/settle/retry_choice.hpp"

#include <functional>
#include <string>

namespace usherd {

/// The new file of the rejects that were chosen to be sent again. Holds one record at a time. Blocking;
/// references must outlive it.
class RetryFile {
 public:
  RetryFile(LedgerReader& ledger, Files& files, const SpoolLayout& layout, const RejectStore& rejects,
            const RetryChoice& choice)
      : ledger_(ledger), files_(files), layout_(layout), rejects_(rejects), choice_(choice) {}

  using Check = std::function<Result<void>()>;
  /// Drops it into incoming/ and returns its name: `name`, or that with a number where it is taken. `may_go`
  /// has the last word, when all is written.
  [[nodiscard]] Result<std::string> drop(const std::string& name, const Check& may_go);
  /// Tells at the old lines that their records were sent again.
  [[nodiscard]] Result<void> mark_originals(const std::string& as);

 private:
  [[nodiscard]] Result<std::string> free_name(const std::string& name);

  LedgerReader& ledger_;
  Files& files_;
  SpoolLayout layout_;
  const RejectStore& rejects_;
  const RetryChoice& choice_;
};

}  // namespace usherd
