#pragma once

#include "usherd/core/zeroed_bytes.hpp"

#include <cstddef>
#include <type_traits>

namespace usherd {

/// Values that are zero at first and may be copied as bytes.
template <class Value>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<Value> && alignof(Value) <= ZeroedBytes::kAlignment);

 public:
  explicit ZeroedArray(std::size_t size) : bytes_(size * sizeof(Value)), size_(size) { find(); }

  [[nodiscard]] Value& operator[](std::size_t index) { return values_[index]; }
  [[nodiscard]] const Value& operator[](std::size_t index) const { return values_[index]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The new ones are zero.
  void grow(std::size_t size) {
    bytes_.grow(size * sizeof(Value));
    size_ = size;
    find();
  }

 private:
  void find() { values_ = reinterpret_cast<Value*>(bytes_.data()); }

  ZeroedBytes bytes_;
  Value* values_;
  std::size_t size_;
};

}  // namespace usherd
