#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace usherd {

/// Memory for blocks that stay after they were read: so many at most, however many want to. Those that were
/// given back serve again. For any thread; what it gave may outlive it.
class BlockPool {
 public:
  using Block = std::shared_ptr<char[]>;

  /// `most` blocks of `bytes` each.
  BlockPool(std::size_t most, std::size_t bytes);

  [[nodiscard]] std::size_t block_bytes() const { return bytes_; }
  /// A block whose bytes may be anything; nothing where `most` are in use.
  [[nodiscard]] Block take();
  /// How many take() would give now.
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] std::size_t in_use() const;
  /// Called by the thread that brings a block back, which nobody else can do meanwhile, at the next one after
  /// each tell_next(). It must not ask the pool.
  void on_return(std::function<void()> returned);
  void tell_next();
  /// How many may be in use from now on; those above it stay until they are given back. No more memory is
  /// held than these take.
  void set_most(std::size_t most);

 private:
  struct Stock;
  std::size_t bytes_;
  std::shared_ptr<Stock> stock_;
};

}  // namespace usherd
