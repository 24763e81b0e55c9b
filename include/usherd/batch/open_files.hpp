#pragma once

#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/file_progress.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/spool/layout.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace usherd {

/// The accepted files that are not settled, as the event loop knows them: a slot each while records of theirs
/// are read, waiting or in a batch. Event loop only.
class OpenFiles {
 public:
  struct Entry {
    SpoolFile file;
    FileProgress progress;
    std::string stuck = {};  ///< why no run can finish it as things are; empty: it can
  };

  explicit OpenFiles(SpoolLayout layout) : layout_(std::move(layout)) {}

  /// Slot of the file; made when it has none.
  std::uint32_t open(const SpoolFile& file);
  [[nodiscard]] Entry& at(std::uint32_t slot) { return *slots_[slot]; }
  [[nodiscard]] Entry* find(FileNumber number);
  /// The slot is free for another file.
  void close(FileNumber number);
  /// `closed` is called after each close().
  void on_close(std::function<void()> closed) { closed_ = std::move(closed); }
  [[nodiscard]] std::size_t size() const { return by_number_.size(); }
  /// Calls `visit` with every open file, in no order.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& slot : slots_) {
      if (slot)
        visit(*slot);
    }
  }

  /// File numbers by slot, for building manifests.
  [[nodiscard]] const std::vector<FileNumber>& numbers() const { return numbers_; }
  /// The slot of an open file.
  [[nodiscard]] std::optional<std::uint32_t> slot(FileNumber number) const;
  /// The records of a manifest were frozen into a batch, durably; `lengths` are those of its operations.
  /// `again` are those of them that had been frozen before, as sources of a merged record.
  void frozen(const Manifest& manifest, std::span<const std::uint32_t> lengths,
              std::span<const Run> again = {});
  /// Where the bytes of a manifest stand.
  [[nodiscard]] BodyPaths paths(const Manifest& manifest, BatchId batch) const;
  [[nodiscard]] BodyPaths paths(const std::vector<Share>& shares, BatchId batch) const;
  [[nodiscard]] const SpoolLayout& layout() const { return layout_; }
  /// Accepted bytes not yet read, over all open files.
  [[nodiscard]] std::uint64_t unread_bytes() const;

 private:
  SpoolLayout layout_;
  // Each by itself: growing a table of entries would hold all of them twice.
  std::vector<std::unique_ptr<Entry>> slots_;
  std::vector<FileNumber> numbers_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<FileNumber, std::uint32_t> by_number_;
  std::function<void()> closed_;
};

}  // namespace usherd
