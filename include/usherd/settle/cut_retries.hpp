#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/settle/reject_store.hpp"
#include "usherd/spool/layout.hpp"

#include <string>
#include <utility>
#include <vector>

namespace usherd {

struct RetryNote;

/// What a crash, a kill or a full disk left of `rejects retry` and `rejects drop`. The rename that shows a
/// retry's file in incoming/ is the point of no return: before it nothing was sent and nothing is marked,
/// after it whoever comes next marks the old lines by the retry's note. A retry that was not shown is taken
/// back, never sent late: newer data may have come meanwhile. Blocking; may be repeated; nobody else may
/// write to rejected/ meanwhile but the settling of new files. The files must outlive it.
class CutRetries {
 public:
  CutRetries(Files& files, SpoolLayout layout)
      : files_(files), layout_(std::move(layout)), rejects_(files, layout_) {}

  /// Everything that is left, as "rejected/NAME" or "incoming/NAME", sorted.
  [[nodiscard]] Result<std::vector<std::string>> find() const;
  /// Whether a retry is noted that has not ended: then the marks in rejected/ do not tell yet what was sent.
  [[nodiscard]] Result<bool> any_noted() const;
  /// Ends it all, one way or the other. An error leaves what the next call can end.
  [[nodiscard]] Result<void> finish() const;

 private:
  using Names = std::vector<std::string>;
  [[nodiscard]] Result<Names> names(const std::string& folder, bool (*wanted)(std::string_view)) const;
  [[nodiscard]] Result<Names> hidden() const;
  [[nodiscard]] Result<void> end(const std::string& name) const;
  [[nodiscard]] Result<RetryNote> read(const std::string& name) const;
  [[nodiscard]] Result<bool> was_sent(const std::string& name, const RetryNote& note) const;
  [[nodiscard]] Result<void> mark(const RetryNote& note) const;

  Files& files_;
  SpoolLayout layout_;
  RejectStore rejects_;
};

}  // namespace usherd
