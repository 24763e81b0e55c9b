#pragma once

#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace usherd {

/// A line that is being made, out of many short pieces: room is asked for once, and a piece is then copied
/// without a look at the room. Keeps its memory from line to line.
class LineBuffer {
 public:
  /// Begins a line that will not have more than `most` bytes.
  void begin(std::size_t most) {
    if (most > capacity_) {
      bytes_.reset(new char[most]);
      capacity_ = most;
    }
    end_ = bytes_.get();
  }
  void put(char c) {
    assert(size() < capacity_);
    *end_++ = c;
  }
  /// `piece` must not be part of this line.
  void put(std::string_view piece) {
    assert(piece.size() <= capacity_ - size());
    copy(piece.data(), piece.size());
    end_ += piece.size();
  }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - bytes_.get()); }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size()}; }
  /// The line as it was when it had `size` bytes.
  void cut(std::size_t size) {
    assert(size <= this->size());
    end_ = bytes_.get() + size;
  }

 private:
  /// Most pieces have a few bytes more than a register: the last copy overlaps the one before it.
  void copy(const char* from, std::size_t length) {
    if (length > 128)
      std::memcpy(end_, from, length);
    else if (length >= 16)
      copy_by<16>(from, length);
    else if (length >= 8)
      copy_by<8>(from, length);
    else if (length >= 4)
      copy_by<4>(from, length);
    else
      for (std::size_t at = 0; at < length; ++at)
        end_[at] = from[at];
  }
  template <std::size_t kStep>
  void copy_by(const char* from, std::size_t length) {
    for (std::size_t at = 0; at + kStep < length; at += kStep)
      std::memcpy(end_ + at, from + at, kStep);
    std::memcpy(end_ + length - kStep, from + length - kStep, kStep);
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  char* end_ = nullptr;
};

}  // namespace usherd
