#pragma once

#include "usherd/batch/body_paths.hpp"
#include "usherd/batch/record_sum.hpp"
#include "usherd/ledger/manifest_reader.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

class RecordStream;
class StreamedHash;

/// Rebuilds a frozen batch's body from the files in working/, front to back: {"requests":[ , the bytes of
/// each run with its newlines turned into commas, commas between, ]}. Blocking; one thread at a time. Holds
/// one file open.
class BodyReader {
 public:
  /// `manifest` is encoded and must outlive it: with records of busy users a whole one is as large as several
  /// pieces of body. `framing` is the row's; `sums` receives the record_sum() of each operation that was
  /// read, unless it is null. `known` makes it cheaper and no less strict: the batch's RecordSums, which must
  /// outlive it, or none.
  BodyReader(Files& files, std::string_view manifest, BodyPaths paths, int framing = kFramingVersion,
             std::vector<std::uint64_t>* sums = nullptr, std::span<const RecordSum> known = {});
  BodyReader(BodyReader&& other) noexcept;
  ~BodyReader();

  /// Fills `into` as far as there is body left; 0 at the end. Errc::corrupt when a file is shorter than the
  /// manifest says, which means that it changed.
  [[nodiscard]] Result<std::size_t> read(std::span<char> into);
  /// Whether nothing is left to read.
  [[nodiscard]] bool is_whole() const { return ended_ && literal_.empty(); }
  /// Of what was read, once that is the whole body.
  [[nodiscard]] Digest digest();

 private:
  /// Where so many of them stand close together one read serves them all.
  static constexpr std::size_t kCloseRuns = 8;
  struct Segment {
    FileNumber file = 0;
    bool merged = false;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  /// At least as many as has_close_runs() looks at, while there are so many.
  [[nodiscard]] Result<void> look_ahead();
  [[nodiscard]] const Segment& ahead(std::size_t index) const {
    return ahead_[(at_ + index) % ahead_.size()];
  }
  [[nodiscard]] Result<void> open(const Segment& segment);
  [[nodiscard]] bool has_close_runs() const;
  [[nodiscard]] Result<void> read_exactly(std::span<char> into, std::uint64_t offset);
  [[nodiscard]] Result<void> read_piece(std::span<char> into, std::uint64_t offset);
  [[nodiscard]] Result<std::size_t> fill(std::span<char> into);

  Files& files_;
  Result<ManifestReader> manifest_;
  BodyPaths paths_;
  std::unique_ptr<ReadFile> file_;
  std::string open_path_;
  Segment open_;              // of the file that is open
  std::vector<char> window_;  // of the open file, where short runs stand close together
  std::uint64_t window_at_ = 0;
  std::size_t window_filled_ = 0;
  std::array<Segment, kCloseRuns + 1> ahead_;  // a ring: the current one and what follows
  std::size_t at_ = 0;
  std::size_t segments_ = 0;  // in the ring
  Literal literal_read_;
  std::uint64_t taken_ = 0;   // of the current segment
  std::string_view literal_;  // framing bytes still to be given out
  bool ended_ = false;
  std::unique_ptr<RecordStream> records_;
  std::unique_ptr<StreamedHash> whole_;  // in framing version 1 alone
};

/// Digest of a whole body as its files are now. Errors: those of BodyReader::read.
[[nodiscard]] Result<Digest> body_digest(Files& files, const BatchRow& row, const BodyPaths& paths);

}  // namespace usherd
