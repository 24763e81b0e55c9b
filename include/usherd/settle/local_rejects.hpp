#pragma once

#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/validate/record.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace usherd {

/// Writes the reject lines of a file's local rules into working/, in the order of the file. Blocking; one
/// thread at a time. Opens its file with the first rejection.
class LocalRejects {
 public:
  /// `keep` bytes of an earlier run are right; what stands behind them is written again.
  LocalRejects(Files& files, SpoolLayout layout, SpoolFile file, std::uint64_t keep);
  ~LocalRejects();

  /// `source` is the NDJSON that the rejections were found in. What brings its own reason gets its code, and
  /// `lost` where that says so.
  [[nodiscard]] Result<void> append(ReadFile& source, std::vector<Rejection>& rejections);
  /// After an error nothing may be believed that was appended since the last success: see forget_unsynced().
  [[nodiscard]] Result<void> sync();
  /// Goes back to what was last synced: the rest must be appended again.
  void forget_unsynced();
  /// Bytes written so far, those kept included.
  [[nodiscard]] std::uint64_t length() const { return length_; }

 private:
  [[nodiscard]] Result<std::uint64_t> write_all(ReadFile& source, std::vector<Rejection>& rejections);
  [[nodiscard]] Result<void> add_line(ReadFile& source, Rejection& rejection, std::string& lines) const;
  [[nodiscard]] Result<void> open();

  Files& files_;
  SpoolLayout layout_;
  SpoolFile file_;
  std::unique_ptr<WriteFile> out_;
  std::uint64_t length_;
  std::uint64_t synced_;  ///< bytes that are durable
  bool brings_reasons_ = false;
  bool dirty_ = false;
};

}  // namespace usherd
