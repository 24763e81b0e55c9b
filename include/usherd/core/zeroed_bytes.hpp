#pragma once

#include <cstddef>
#include <memory>

namespace usherd {

/// Memory that is zero at first, aligned to a line of the cache. Where it is large it is a mapping of its own
/// in huge pages, if the kernel has them: what is touched all over at random costs a fault for every 4 KiB
/// otherwise, and more of them each time it doubles.
class ZeroedBytes {
 public:
  static constexpr std::size_t kAlignment = 64;

  /// Throws std::bad_alloc.
  explicit ZeroedBytes(std::size_t size);

  [[nodiscard]] char* data() { return bytes_.get(); }
  [[nodiscard]] const char* data() const { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// What is new is zero. Never twice in memory where it is large. Throws std::bad_alloc, and then all is as
  /// it was.
  void grow(std::size_t size);

 private:
  struct Release {
    std::size_t mapped = 0;  ///< bytes of the mapping; 0: from the heap
    void operator()(char* bytes) const;
  };
  using Owned = std::unique_ptr<char[], Release>;

  static Owned allocate(std::size_t size);
  static Owned map(std::size_t size);
  void move_into(char* bytes);

  Owned bytes_;
  std::size_t size_;
};

}  // namespace usherd
