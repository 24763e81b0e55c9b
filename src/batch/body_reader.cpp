#include "usherd/batch/body_reader.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace usherd {
namespace {

constexpr std::string_view kHead = "{\"requests\":[";
constexpr std::string_view kTail = "]}";
constexpr std::size_t kChunk = 256 * 1024;

void newlines_to_commas(std::span<char> bytes) {
  char* at = bytes.data();
  char* const end = at + bytes.size();
  while (at < end) {
    at = static_cast<char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (at == nullptr)
      return;
    *at++ = ',';
  }
}

}  // namespace

BodyReader::BodyReader(Files& files, Manifest manifest, BodyPaths paths)
    : files_(files), manifest_(std::move(manifest)), paths_(std::move(paths)), literal_(kHead) {}

BodyReader::~BodyReader() = default;

BodyReader::Segment BodyReader::segment(std::size_t index) const {
  if (index < manifest_.runs.size()) {
    const Run& run = manifest_.runs[index];
    return {run.file, false, run.offset, run.length};
  }
  const Literal& literal = manifest_.literals[index - manifest_.runs.size()];
  return {0, true, literal.offset, literal.length};
}

Result<void> BodyReader::open(const Segment& segment) {
  std::string path = paths_.merged;
  if (!segment.merged) {
    const auto known = paths_.files.find(segment.file);
    if (known == paths_.files.end())
      return Error{Errc::corrupt, fmt::format("file {} of the batch is not in working/", segment.file)};
    path = known->second;
  }
  if (file_ != nullptr && path == open_path_)
    return {};
  auto opened = files_.open(path);
  if (!opened)
    return opened.error();
  file_ = std::move(*opened);
  open_path_ = std::move(path);
  return {};
}

Result<void> BodyReader::read_exactly(std::span<char> into, std::uint64_t offset) {
  while (!into.empty()) {
    const auto got = file_->read_at(into, offset);
    if (!got)
      return got.error();
    if (*got == 0)
      return Error{Errc::corrupt, fmt::format("{} became shorter than when it was accepted", open_path_)};
    into = into.subspan(*got);
    offset += *got;
  }
  return {};
}

Result<std::size_t> BodyReader::read(std::span<char> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    if (!literal_.empty()) {
      const auto count = std::min(literal_.size(), into.size() - filled);
      std::memcpy(into.data() + filled, literal_.data(), count);
      literal_.remove_prefix(count);
      filled += count;
      continue;
    }
    if (index_ == segments()) {
      if (ended_)
        break;
      ended_ = true;
      literal_ = kTail;
      continue;
    }
    const Segment current = segment(index_);
    if (taken_ == 0) {
      if (auto opened = open(current); !opened)
        return opened.error();
    }
    const auto count = std::min<std::uint64_t>(current.length - taken_, into.size() - filled);
    const auto piece = into.subspan(filled, count);
    if (auto read = read_exactly(piece, current.offset + taken_); !read)
      return read.error();
    newlines_to_commas(piece);
    filled += count;
    taken_ += count;
    if (taken_ == current.length) {
      taken_ = 0;
      if (++index_ < segments())
        literal_ = ",";
    }
  }
  return filled;
}

void BodyDigest::Free::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

BodyDigest::BodyDigest() : state_(XXH3_createState()) {
  XXH3_128bits_reset(state_.get());
}
BodyDigest::~BodyDigest() = default;

void BodyDigest::update(std::span<const char> piece) {
  XXH3_128bits_update(state_.get(), piece.data(), piece.size());
}

Result<Digest> body_digest(Files& files, const Manifest& manifest, const BodyPaths& paths) {
  BodyReader reader(files, manifest, paths);
  BodyDigest digest;
  std::vector<char> chunk(kChunk);
  while (true) {
    const auto got = reader.read(chunk);
    if (!got)
      return got.error();
    if (*got == 0)
      return digest.value();
    digest.update(std::span(chunk.data(), *got));
  }
}

Digest BodyDigest::value() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
  Digest digest;
  static_assert(sizeof(canonical.digest) == digest.size());
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

}  // namespace usherd
