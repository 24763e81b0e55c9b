#include "usherd/batch/record_sums.hpp"

#include <xxhash.h>

#include <algorithm>

namespace usherd {
namespace {

constexpr std::size_t kHeadBytes = std::string_view("{\"requests\":[").size();

bool is_gone(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::not_found;
}

}  // namespace

std::uint32_t sum_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

SumReckoner::SumReckoner(std::span<const std::uint32_t> lengths) : lengths_(lengths), skip_(kHeadBytes) {
  sums_.reserve(lengths.size());
}

void SumReckoner::update(std::span<const char> piece) {
  while (!piece.empty() && sums_.size() < lengths_.size()) {
    const auto framing = std::min(skip_, piece.size());
    piece = piece.subspan(framing);
    skip_ -= framing;
    if (skip_ > 0 || piece.empty())
      return;
    const auto length = lengths_[sums_.size()];
    const auto count = std::min<std::size_t>(length - partial_.size(), piece.size());
    const std::string_view part(piece.data(), count);
    piece = piece.subspan(count);
    std::string_view whole = part;
    if (!partial_.empty() || count < length) {
      partial_ += part;
      if (partial_.size() < length)
        return;
      whole = partial_;
    }
    sums_.push_back({length, sum_of(whole)});
    partial_.clear();
    skip_ = 1;
  }
}

Result<std::vector<bool>> find_changed(Operations& operations, std::span<const RecordSum> sums) {
  std::vector<bool> changed(operations.size(), false);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    // With its newline: where that is gone, this record runs on into the next one.
    const auto bytes = operations.bytes_and_newline(i);
    if (!bytes && !is_gone(bytes.error()))
      return bytes.error();
    changed[i] =
        !bytes || i >= sums.size() || bytes->size() != sums[i].length || sum_of(*bytes) != sums[i].sum;
  }
  return changed;
}

}  // namespace usherd
