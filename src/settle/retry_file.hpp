#pragma once

#include "src/settle/retry_choice.hpp"
#include "src/settle/retry_note.hpp"

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
  /// Drops it into incoming/, tells at the old lines that their records were sent again, and returns its
  /// name: `name`, or that with a number where it is taken. `may_go` has the last word, when all is written.
  [[nodiscard]] Result<std::string> drop(const std::string& name, const Check& may_go);

 private:
  [[nodiscard]] Result<std::string> free_name(const std::string& name);
  [[nodiscard]] Result<void> show(const std::string& name, const Check& may_go);
  [[nodiscard]] Result<std::string> stage(RetryNote& note);
  [[nodiscard]] Result<void> write_down(const std::string& hidden, const RetryNote& note);

  LedgerReader& ledger_;
  Files& files_;
  SpoolLayout layout_;
  const RejectStore& rejects_;
  const RetryChoice& choice_;
};

}  // namespace usherd
