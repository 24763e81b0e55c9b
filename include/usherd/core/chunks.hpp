#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace usherd {

/// A row of values that grows by fixed pieces and never moves what it holds: a table of a million needs no
/// second one beside it while it grows. Places are never taken out singly.
template <class Value, unsigned kBits = 12>
class Chunks {
 public:
  [[nodiscard]] Value& operator[](std::size_t index) { return chunks_[index >> kBits][index & kMask]; }
  [[nodiscard]] const Value& operator[](std::size_t index) const {
    return chunks_[index >> kBits][index & kMask];
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Bytes.
  [[nodiscard]] std::size_t memory() const { return (chunks_.size() << kBits) * sizeof(Value); }
  void push_back(const Value& value) {
    if (size_ == chunks_.size() << kBits)
      chunks_.push_back(std::make_unique_for_overwrite<Value[]>(kMask + 1));
    (*this)[size_++] = value;
  }
  /// Gives all memory back.
  void clear() {
    std::vector<std::unique_ptr<Value[]>>().swap(chunks_);
    size_ = 0;
  }

 private:
  static constexpr std::size_t kMask = (std::size_t{1} << kBits) - 1;

  std::vector<std::unique_ptr<Value[]>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace usherd
