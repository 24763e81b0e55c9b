#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace usherd {

/// Values that are zero at first and may be copied as bytes. It grows without a second array beside it: the C
/// library hands the pages of a large one on instead of copying them.
template <class Value>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<Value>);

 public:
  explicit ZeroedArray(std::size_t size)
      : bytes_(static_cast<char*>(std::calloc(size * sizeof(Value) + kSlack, 1))), size_(size) {
    if (bytes_ == nullptr)
      throw std::bad_alloc();
    values_ = aligned(bytes_.get());
  }

  [[nodiscard]] Value& operator[](std::size_t index) { return values_[index]; }
  [[nodiscard]] const Value& operator[](std::size_t index) const { return values_[index]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The new ones are zero.
  void grow(std::size_t size) {
    const auto before = reinterpret_cast<char*>(values_) - bytes_.get();
    auto* grown = static_cast<char*>(std::realloc(bytes_.get(), size * sizeof(Value) + kSlack));
    if (grown == nullptr)
      throw std::bad_alloc();
    static_cast<void>(bytes_.release());
    bytes_.reset(grown);
    values_ = aligned(grown);
    // Another block of memory may be off the alignment by another distance.
    if (reinterpret_cast<char*>(values_) != grown + before)
      std::memmove(static_cast<void*>(values_), grown + before, size_ * sizeof(Value));
    std::memset(static_cast<void*>(values_ + size_), 0, (size - size_) * sizeof(Value));
    size_ = size;
  }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(static_cast<void*>(bytes)); }
  };
  /// What the C library does not align by itself.
  static constexpr std::size_t kSlack = alignof(Value) > alignof(std::max_align_t) ? alignof(Value) : 0;

  static Value* aligned(char* bytes) {
    if constexpr (kSlack > 0)
      bytes += -reinterpret_cast<std::uintptr_t>(bytes) % alignof(Value);
    return reinterpret_cast<Value*>(bytes);
  }

  std::unique_ptr<char[], Free> bytes_;
  Value* values_;
  std::size_t size_;
};

}  // namespace usherd
