#include "usherd/batch/body_reader.hpp"

#include "src/batch/body_frame.hpp"
#include "src/batch/record_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
/// Read at once where short runs stand close together.
constexpr std::size_t kWindow = std::size_t{64} << 10;

}  // namespace

BodyReader::BodyReader(Files& files, std::string_view manifest, BodyPaths paths, int framing,
                       std::vector<std::uint64_t>* sums, std::span<const RecordSum> known)
    : files_(files),
      manifest_(ManifestReader::open(manifest)),
      paths_(std::move(paths)),
      literal_(kBodyHead),
      records_(std::make_unique<RecordStream>(sums, known)),
      whole_(framing == kFramingOfWholeBodies ? std::make_unique<StreamedHash>() : nullptr) {}

BodyReader::BodyReader(BodyReader&& other) noexcept = default;
BodyReader::~BodyReader() = default;

Result<void> BodyReader::look_ahead() {
  if (!manifest_)
    return manifest_.error();
  while (segments_ < ahead_.size() && (manifest_->runs_left() > 0 || manifest_->literals_left() > 0)) {
    Segment& next = ahead_[(at_ + segments_) % ahead_.size()];
    if (manifest_->runs_left() > 0) {
      Run run;
      if (auto read = manifest_->read(run); !read)
        return read;
      next = {run.file, false, run.offset, run.length};
    } else {
      if (auto read = manifest_->read(literal_read_); !read)
        return read;
      next = {0, true, literal_read_.offset, literal_read_.length};
    }
    ++segments_;
  }
  return {};
}

Result<void> BodyReader::open(const Segment& segment) {
  if (file_ != nullptr && segment.merged == open_.merged && segment.file == open_.file)
    return {};
  std::string path = paths_.merged;
  if (!segment.merged) {
    auto known = paths_.files.find(segment.file);
    if (!known)
      return Error{Errc::corrupt, fmt::format("file {} of the batch is not in working/", segment.file)};
    path = std::move(*known);
  }
  auto opened = files_.open(path);
  if (!opened)
    return opened.error();
  file_ = std::move(*opened);
  open_path_ = std::move(path);
  open_ = segment;
  window_filled_ = 0;
  return {};
}

Result<void> BodyReader::read_exactly(std::span<char> into, std::uint64_t offset) {
  const auto got = file_->read_at(into, offset);
  if (!got)
    return got.error();
  if (*got != into.size())
    return Error{Errc::corrupt, fmt::format("{} became shorter than when it was accepted", open_path_)};
  return {};
}

/// Whether the next runs stand so close to this one that one read serves all of them.
bool BodyReader::has_close_runs() const {
  const Segment& last = ahead(kCloseRuns);
  return segments_ > kCloseRuns && !last.merged && last.file == ahead(0).file &&
         last.offset + last.length <= ahead(0).offset + kWindow;
}

Result<void> BodyReader::read_piece(std::span<char> into, std::uint64_t offset) {
  const auto held = [&] {
    return offset >= window_at_ && offset + into.size() <= window_at_ + window_filled_;
  };
  if (!held()) {
    if (!has_close_runs())
      return read_exactly(into, offset);
    window_.resize(kWindow);
    const auto got = file_->read_at(window_, offset);
    if (!got)
      return got.error();
    window_at_ = offset;
    window_filled_ = *got;
    // What is beyond the end of the file is told as ever.
    if (!held())
      return read_exactly(into, offset);
  }
  std::memcpy(into.data(), window_.data() + (offset - window_at_), into.size());
  return {};
}

Result<std::size_t> BodyReader::read(std::span<char> into) {
  auto filled = fill(into);
  if (filled && whole_ != nullptr)
    whole_->update(into.first(*filled));
  return filled;
}

Digest BodyReader::digest() {
  return whole_ != nullptr ? whole_->value() : records_->digest();
}

Result<std::size_t> BodyReader::fill(std::span<char> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    if (!literal_.empty()) {
      const auto count = std::min(literal_.size(), into.size() - filled);
      std::memcpy(into.data() + filled, literal_.data(), count);
      literal_.remove_prefix(count);
      filled += count;
      continue;
    }
    if (segments_ == 0) {
      if (auto looked = look_ahead(); !looked)
        return looked.error();
    }
    if (segments_ == 0) {
      if (ended_)
        break;
      ended_ = true;
      literal_ = kBodyTail;
      continue;
    }
    const Segment current = ahead(0);
    if (taken_ == 0) {
      if (auto opened = open(current); !opened)
        return opened.error();
    }
    const auto count = std::min<std::uint64_t>(current.length - taken_, into.size() - filled);
    const auto piece = into.subspan(filled, count);
    if (auto read = read_piece(piece, current.offset + taken_); !read)
      return read.error();
    records_->update(piece);
    filled += count;
    taken_ += count;
    if (taken_ == current.length) {
      taken_ = 0;
      records_->end_record();
      at_ = (at_ + 1) % ahead_.size();
      --segments_;
      if (auto looked = look_ahead(); !looked)
        return looked.error();
      if (segments_ > 0)
        literal_ = ",";
    }
  }
  return filled;
}

Result<Digest> body_digest(Files& files, const BatchRow& row, const BodyPaths& paths) {
  const auto manifest = row.manifest.encode();
  BodyReader reader(files, manifest, paths, row.framing);
  std::vector<char> chunk(kChunk);
  while (true) {
    const auto got = reader.read(chunk);
    if (!got)
      return got.error();
    if (*got == 0)
      return reader.digest();
  }
}

}  // namespace usherd
