#include "usherd/batch/kept_body.hpp"

#include "src/batch/body_frame.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace usherd {
namespace {

constexpr std::uint32_t kOwn = std::numeric_limits<std::uint32_t>::max();
/// A span that is shorter is put together with what follows.
constexpr std::size_t kDirect = std::size_t{16} << 10;
/// Of so many records one may be missing in the blocks.
constexpr std::size_t kFew = 16;
/// Bytes at most of those, and of what was merged.
constexpr std::size_t kMostOwn = std::size_t{1} << 20;

}  // namespace

/// Finds each record of a draft in the blocks.
class KeptBody::Builder {
 public:
  Builder(Files& files, const DraftBatch& draft, const BodyPaths& paths, const FetchedRecords& fetched,
          KeptBody& body)
      : files_(files), draft_(draft), paths_(paths), fetched_(fetched), body_(body) {}

  /// False where it cannot be built.
  [[nodiscard]] bool build(std::vector<KeptBlock> blocks) {
    arrange(std::move(blocks));
    add_own(kBodyHead);
    for (const auto& run : draft_.manifest.runs) {
      while (here_ < places_.size() && is_before(places_[here_], run.file, run.offset))
        ++here_;
      if (is_in_blocks(run))
        add_run(run);
      else if (!add_records(run))
        return false;
    }
    if (!add_merged())
      return false;
    // No comma behind the last one.
    --body_.spans_.back().length;
    add_own(kBodyTail);
    for (const auto& span : body_.spans_)
      body_.left_ += span.length;
    return body_.left_ == draft_.body_length;
  }

 private:
  struct Place {
    FileNumber file;
    std::uint64_t offset;
    std::uint64_t end;
  };
  static bool is_before(const Place& place, FileNumber file, std::uint64_t offset) {
    return place.file < file || (place.file == file && place.end <= offset);
  }
  [[nodiscard]] static bool holds(const Place& place, FileNumber file, std::uint64_t offset) {
    return place.file == file && place.offset <= offset && offset < place.end;
  }

  void arrange(std::vector<KeptBlock> blocks) {
    std::sort(blocks.begin(), blocks.end(), [](const KeptBlock& a, const KeptBlock& b) {
      return std::tie(a.file, a.block.offset) < std::tie(b.file, b.block.offset);
    });
    for (auto& [file, block] : blocks) {
      places_.push_back({file, block.offset, block.end});
      body_.blocks_.push_back(std::move(block.bytes));
    }
  }

  [[nodiscard]] bool is_in_blocks(const Run& run) const {
    auto at = run.offset;
    for (auto i = here_; at < run.offset + run.length; ++i) {
      if (i == places_.size() || !holds(places_[i], run.file, at))
        return false;
      at = places_[i].end;
    }
    return true;
  }

  /// All bytes of a run, in one block or several, with the comma behind it.
  void add_run(const Run& run) {
    const auto end = run.offset + run.length;
    auto at = run.offset;
    for (auto i = here_; at < end; ++i) {
      const auto until = std::min(end, places_[i].end);
      add_span(i, at, until - at);
      at = until;
    }
    ++body_.spans_.back().length;
    operation_ += run.records;
  }

  /// A run of which something is in no block.
  [[nodiscard]] bool add_records(const Run& run) {
    auto offset = run.offset;
    for (std::uint64_t i = 0; i < run.records; ++i, ++operation_) {
      const auto length = draft_.lengths[operation_];
      while (here_ < places_.size() && is_before(places_[here_], run.file, offset))
        ++here_;
      // A block holds whole lines.
      if (here_ < places_.size() && holds(places_[here_], run.file, offset))
        add_span(here_, offset, length + 1);
      else if (!add_missing(run.file, offset, length))
        return false;
      offset += length + 1;
    }
    return true;
  }

  [[nodiscard]] bool add_missing(FileNumber file, std::uint64_t offset, std::uint32_t length) {
    if (++missing_ > draft_.sums.size() / kFew + 1 || body_.own_.size() > kMostOwn)
      return false;
    const auto bytes = fetched_.find(operation_);
    if (!bytes)
      return read_record(file, offset, length);
    add_own(*bytes);
    add_own(",");
    return true;
  }

  [[nodiscard]] bool read_record(FileNumber file, std::uint64_t offset, std::uint32_t length) {
    if (!open(file))
      return false;
    auto& own = body_.own_;
    const auto begin = own.size();
    own.resize(begin + length + 1, ',');
    const std::span bytes(own.data() + begin, length);
    const auto got = reading_->read_at(bytes, offset);
    if (!got || *got != length || record_sum({bytes.data(), length}) != draft_.sums[operation_])
      return false;
    note_own(begin);
    return true;
  }

  /// Opens the file that is read from; false where there is none.
  [[nodiscard]] bool open(FileNumber file) {
    if (reading_ != nullptr && reading_number_ == file)
      return true;
    const auto path = paths_.files.find(file);
    auto opened = path ? files_.open(*path) : Error{Errc::not_found, "not in working/"};
    if (!opened)
      return false;
    reading_ = std::move(*opened);
    reading_number_ = file;
    return true;
  }

  /// False where these are so many that they, which nobody counts as blocks, would take room from the bodies.
  [[nodiscard]] bool add_merged() {
    if (body_.own_.size() + draft_.merged_bytes.size() > kMostOwn)
      return false;
    for (const auto& literal : draft_.manifest.literals) {
      add_own(std::string_view(draft_.merged_bytes).substr(literal.offset, literal.length));
      add_own(",");
    }
    return true;
  }

  void add_span(std::size_t place, std::uint64_t offset, std::uint64_t length) {
    const auto block = static_cast<std::uint32_t>(place);
    const auto begin = static_cast<std::uint32_t>(offset - places_[place].offset);
    auto& spans = body_.spans_;
    if (spans.back().block == block && spans.back().begin + spans.back().length == begin)
      spans.back().length += static_cast<std::uint32_t>(length);
    else
      spans.push_back({block, begin, static_cast<std::uint32_t>(length)});
  }

  void add_own(std::string_view bytes) {
    const auto begin = body_.own_.size();
    body_.own_ += bytes;
    note_own(begin);
  }

  /// What was added to the own bytes from `from` on comes next.
  void note_own(std::size_t from) {
    auto& spans = body_.spans_;
    const auto begin = static_cast<std::uint32_t>(from);
    const auto length = static_cast<std::uint32_t>(body_.own_.size() - from);
    if (!spans.empty() && spans.back().block == kOwn && spans.back().begin + spans.back().length == begin)
      spans.back().length += length;
    else
      spans.push_back({kOwn, begin, length});
  }

  Files& files_;
  const DraftBatch& draft_;
  const BodyPaths& paths_;
  const FetchedRecords& fetched_;
  KeptBody& body_;
  std::vector<Place> places_;  // of the blocks
  std::size_t here_ = 0;       // the block that holds what comes next, or comes behind it
  std::size_t operation_ = 0;
  std::size_t missing_ = 0;
  std::unique_ptr<ReadFile> reading_;
  FileNumber reading_number_ = 0;
};

std::unique_ptr<KeptBody> KeptBody::of(Files& files, const DraftBatch& draft, const BodyPaths& paths,
                                       std::vector<KeptBlock> blocks, IsCurrent is_current,
                                       const FetchedRecords& fetched) {
  if (blocks.empty() || draft.sums.empty())
    return nullptr;
  std::unique_ptr<KeptBody> body(new KeptBody(std::move(is_current)));
  if (!Builder(files, draft, paths, fetched, *body).build(std::move(blocks)))
    return nullptr;
  return body;
}

const char* KeptBody::bytes_of(const Span& span) const {
  return (span.block == kOwn ? own_.data() : blocks_[span.block].get()) + span.begin;
}

void KeptBody::take(std::size_t count) {
  Span& span = spans_[at_];
  span.begin += static_cast<std::uint32_t>(count);
  span.length -= static_cast<std::uint32_t>(count);
  left_ -= count;
  if (span.length == 0)
    ++at_;
}

std::span<const char> KeptBody::next() {
  // What was given last time is sent.
  if (at_ < spans_.size() && spans_[at_].block != kOwn) {
    while (given_ < spans_[at_].block)
      blocks_[given_++].reset();
  }
  if (left_ == 0)
    return {};
  const Span first = spans_[at_];
  if (first.length >= kDirect && !is_at_last()) {
    const auto count = std::min<std::size_t>(first.length, kMostPiece);
    const auto* bytes = bytes_of(first);
    take(count);
    return {bytes, count};
  }
  piece_.resize(kMostPiece);
  std::size_t filled = 0;
  while (filled < kMostPiece && left_ > 0) {
    const Span span = spans_[at_];
    const auto count = std::min<std::size_t>(span.length, kMostPiece - filled);
    std::copy_n(bytes_of(span), count, piece_.data() + filled);
    filled += count;
    take(count);
  }
  return {piece_.data(), filled};
}

}  // namespace usherd
