#pragma once

#include "usherd/batch/body_paths.hpp"
#include "usherd/batch/fetched_records.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/validate/block_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace usherd {

/// A block of a file that stayed in memory.
struct KeptBlock {
  FileNumber file = 0;
  BlockBytes block;
};

/// A frozen batch's body in the blocks in which its records were checked: for its first way out it need not
/// be read and proved again. Gives each block back as soon as it is sent. Any thread, one at a time.
class KeptBody {
 public:
  /// The most that next() gives.
  static constexpr std::size_t kMostPiece = std::size_t{64} << 10;

  /// Asks the disk whether the files are those that were accepted, untouched since. Blocking.
  using IsCurrent = std::function<bool()>;

  /// `draft` must be frozen. `blocks` hold its records but for a few, which are taken from what was `fetched`
  /// to freeze it, or are read now. Null where too much is missing or cannot be had. Blocking.
  [[nodiscard]] static std::unique_ptr<KeptBody> of(Files& files, const DraftBatch& draft,
                                                    const BodyPaths& paths, std::vector<KeptBlock> blocks,
                                                    IsCurrent is_current, const FetchedRecords& fetched = {});

  [[nodiscard]] bool is_current() const { return is_current_(); }
  /// Bytes that next() has not given yet.
  [[nodiscard]] std::uint64_t left() const { return left_; }
  /// Whether next() gives all that is left.
  [[nodiscard]] bool is_at_last() const { return left_ > 0 && left_ <= kMostPiece; }
  /// The next 16 KiB or more, or what is left; valid until the next call. Empty at the end.
  [[nodiscard]] std::span<const char> next();

  KeptBody(const KeptBody&) = delete;
  KeptBody& operator=(const KeptBody&) = delete;

 private:
  class Builder;
  /// Bytes of one block, or of those that are in none.
  struct Span {
    std::uint32_t block;
    std::uint32_t begin;
    std::uint32_t length;
  };

  explicit KeptBody(IsCurrent is_current) : is_current_(std::move(is_current)) {}
  [[nodiscard]] const char* bytes_of(const Span& span) const;
  void take(std::size_t count);

  IsCurrent is_current_;
  std::vector<BlockPool::Block> blocks_;  // in the order of the spans
  std::string own_;                       // what no block holds
  std::vector<Span> spans_;
  std::uint64_t left_ = 0;
  std::size_t at_ = 0;       // the first span of which something is left
  std::size_t given_ = 0;    // blocks that are given back
  std::vector<char> piece_;  // where short spans are put together
};

}  // namespace usherd
