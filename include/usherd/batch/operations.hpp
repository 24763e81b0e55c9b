#pragma once

#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace usherd {

/// Finds the single operations of a frozen batch in its body's order, and their bytes. Blocking; one thread
/// at a time. Holds a position of 40 bytes an operation and one open file; the manifest must outlive it.
class Operations {
 public:
  /// Reads the runs once to find where each record begins. Errc::corrupt when the files hold other than the
  /// manifest says.
  [[nodiscard]] static Result<Operations> find(Files& files, const Manifest& manifest, BodyPaths paths);

  /// The same where some files may have changed: each run of theirs is taken for one operation a record,
  /// without a look at them: lines are right, offsets those of the runs.
  [[nodiscard]] static Result<Operations> find_except(Files& files, const Manifest& manifest, BodyPaths paths,
                                                      std::span<const FileNumber> changed);

  /// The same from lengths that are known, one for each operation: right even when the files changed since.
  [[nodiscard]] static Operations known(Files& files, const Manifest& manifest, BodyPaths paths,
                                        std::span<const std::uint32_t> lengths);

  /// The same when files may be gone, cut short or hold other lines: what they took with them keeps its line
  /// and has no bytes, and all else is found as ever. Fails only where the disk gives no answer for now.
  [[nodiscard]] static Result<Operations> find_left(Files& files, const Manifest& manifest, BodyPaths paths);

  [[nodiscard]] std::size_t size() const { return runs_.size() + manifest_->literals.size(); }
  [[nodiscard]] bool is_merged(std::size_t index) const { return index >= runs_.size(); }
  /// Of an operation that is not merged: where its record stands.
  [[nodiscard]] const Run& run(std::size_t index) const { return runs_[index]; }
  /// The run of the manifest that it stands in.
  [[nodiscard]] const Run& run_of(std::size_t index) const;
  /// Of a merged one.
  [[nodiscard]] const Literal& literal(std::size_t index) const {
    return manifest_->literals[index - runs_.size()];
  }
  /// The bytes of an operation as they stand in the body.
  [[nodiscard]] Result<std::string> bytes(std::size_t index);
  /// The same, proving that what ends the record still does: a newline where another record of its run
  /// follows. Errc::corrupt where it is gone.
  [[nodiscard]] Result<std::string> bytes_and_newline(std::size_t index);
  /// The bytes of any record of these files.
  [[nodiscard]] Result<std::string> bytes(const Run& record);

 private:
  Operations(Files& files, const Manifest& manifest, BodyPaths paths);
  enum class Found : std::uint8_t {
    whole,
    cut,    ///< the file ends within the run: the records before that were found
    other,  ///< it has more lines there, or fewer
  };
  [[nodiscard]] Result<Found> search(const Run& run, const std::string& path);
  [[nodiscard]] Result<void> locate(const Run& run);
  [[nodiscard]] Result<void> locate_left(const Run& run);
  void guess(const Run& run);
  [[nodiscard]] Result<std::string> read(const std::string& path, std::uint64_t offset, std::uint64_t length);

  Files* files_;
  const Manifest* manifest_;
  BodyPaths paths_;
  std::vector<Run> runs_;
  std::vector<bool> followed_;  // of those of known(): another record of the same run stands behind
  std::unique_ptr<ReadFile> file_;
  std::string open_path_;
};

/// Part of a batch as a batch of its own: the operations named by ascending indexes, with their keys. Merged
/// ones get their bytes copied. `row` is the batch that `operations` was found in.
[[nodiscard]] Result<DraftBatch> draft_part(Operations& operations, const BatchRow& row,
                                            std::span<const std::size_t> indexes);

/// The same for operations whose bytes changed and will never be sent: looks at no file, one run a record.
[[nodiscard]] DraftBatch draft_changed(const Operations& operations, const BatchRow& row,
                                       std::span<const std::size_t> indexes);

}  // namespace usherd
