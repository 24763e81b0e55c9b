#pragma once

#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/spool/origin.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace usherd {

/// Writes the NDJSON and the origins that a conversion makes. The first error stays, and later lines are
/// dropped: look at it with failure().
class ConvertedRecords {
 public:
  [[nodiscard]] static Result<ConvertedRecords> make(Files& files, const SpoolLayout& layout,
                                                     FileNumber number);

  void add(std::string_view line, const Origin& origin);
  /// Both files durable, and their entries.
  [[nodiscard]] Result<void> finish(Files& files, const SpoolLayout& layout);
  [[nodiscard]] const Result<void>& status() const { return status_; }
  /// Bytes of NDJSON so far.
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  ConvertedRecords() = default;
  void flush();

  std::unique_ptr<WriteFile> lines_file_;
  std::unique_ptr<WriteFile> origins_file_;
  std::string lines_;
  std::string origins_;
  std::uint64_t size_ = 0;
  Result<void> status_{};
};

}  // namespace usherd
