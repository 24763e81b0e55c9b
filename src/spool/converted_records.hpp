#pragma once

#include "usherd/ports/files.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/spool/layout.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace usherd {

/// Writes the NDJSON and the origins that a conversion makes, within its limits. The first error stays, and
/// later lines are dropped: look at it with status().
class ConvertedRecords {
 public:
  /// `origins`: whether lines have origins of their own. `limits` must outlive it.
  [[nodiscard]] static Result<ConvertedRecords> make(Files& files, const SpoolLayout& layout,
                                                     FileNumber number, bool origins,
                                                     const ConvertLimits& limits);

  void add(std::string_view line, const Origin& origin);
  /// Bytes as they are, lines and all; only without origins.
  void copy(std::string_view bytes);
  /// Both files durable, and their entries.
  [[nodiscard]] Result<void> finish(Files& files, const SpoolLayout& layout);
  [[nodiscard]] const Result<void>& status() const { return status_; }
  /// Bytes of NDJSON so far.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Bytes so far, origins and all.
  [[nodiscard]] std::uint64_t written() const { return written_ + lines_.size() + origins_.size(); }

  /// Removes what a conversion left of a file.
  static void remove(Files& files, const SpoolLayout& layout, FileNumber number);

 private:
  explicit ConvertedRecords(const ConvertLimits& limits) : limits_(&limits) {}
  void flush();
  void write(WriteFile& file, std::string_view bytes);

  const ConvertLimits* limits_;
  std::unique_ptr<WriteFile> lines_file_;
  std::unique_ptr<WriteFile> origins_file_;
  std::string lines_;
  std::string origins_;
  std::uint64_t size_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t begun_ = 0;  ///< of written_, what the disk was told to begin with
  std::uint64_t asked_ = 0;  ///< how much was written when there was last asked for room
  Result<void> status_{};
};

}  // namespace usherd
