#pragma once

#include "usherd/ports/files.hpp"
#include "usherd/validate/block_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace usherd {

/// A file in memory; notes how much was asked of it at once.
class TextFile : public ReadFile {
 public:
  explicit TextFile(std::string text) : text_(std::move(text)) {}
  Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) override {
    const auto start = std::min<std::size_t>(static_cast<std::size_t>(offset), text_.size());
    const auto length = std::min(into.size(), text_.size() - start);
    std::memcpy(into.data(), text_.data() + start, length);
    largest_read_ = std::max(largest_read_, into.size());
    return length;
  }
  Result<std::uint64_t> size() override { return text_.size(); }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::size_t largest_read() const { return largest_read_; }

 private:
  std::string text_;
  std::size_t largest_read_ = 0;
};

inline UserKeys test_keys(unsigned char seed = 1) {
  std::array<std::byte, UserKeys::kSecretBytes> secret{};
  for (std::size_t i = 0; i < secret.size(); ++i)
    secret[i] = static_cast<std::byte>(seed + 37 * i);
  return UserKeys(secret);
}

/// All blocks of a file up to `limit`, put together.
inline CheckedBlock read_all(BlockReader& reader, ReadFile& file, std::uint64_t limit) {
  CheckedBlock all;
  CheckedBlock block;
  do {
    const auto read = reader.read(file, all.next_offset, all.next_line, limit, block);
    if (!read)
      throw std::runtime_error(read.error().message);
    for (const auto& record : block.records.all())
      all.records.add(record);
    all.rejections.insert(all.rejections.end(), block.rejections.begin(), block.rejections.end());
    all.lines += block.lines;
    all.next_offset = block.next_offset;
    all.next_line = block.next_line;
    all.end = block.end;
  } while (!all.end);
  return all;
}

}  // namespace usherd
