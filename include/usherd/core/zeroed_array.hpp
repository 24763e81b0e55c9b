#pragma once

#include <cstddef>
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
      : values_(static_cast<Value*>(std::calloc(size, sizeof(Value)))), size_(size) {
    if (values_ == nullptr)
      throw std::bad_alloc();
  }

  [[nodiscard]] Value& operator[](std::size_t index) { return values_.get()[index]; }
  [[nodiscard]] const Value& operator[](std::size_t index) const { return values_.get()[index]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The new ones are zero.
  void grow(std::size_t size) {
    auto* grown = static_cast<Value*>(std::realloc(static_cast<void*>(values_.get()), size * sizeof(Value)));
    if (grown == nullptr)
      throw std::bad_alloc();
    static_cast<void>(values_.release());
    values_.reset(grown);
    std::memset(static_cast<void*>(grown + size_), 0, (size - size_) * sizeof(Value));
    size_ = size;
  }

 private:
  struct Free {
    void operator()(Value* values) const { std::free(static_cast<void*>(values)); }
  };
  std::unique_ptr<Value[], Free> values_;
  std::size_t size_;
};

}  // namespace usherd
