#pragma once

#include "usherd/batch/batcher.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/validate/block_pool.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace usherd {

/// The memory in which blocks of files stay from their reading until they are sent, and the reader's wait for
/// it: a body of which all stayed is not read a second time. Event loop only; all references must outlive it.
class BlockRoom {
 public:
  BlockRoom(boost::asio::any_io_executor loop, Timers& timers, Batcher& batcher);
  ~BlockRoom();
  BlockRoom(const BlockRoom&) = delete;
  BlockRoom& operator=(const BlockRoom&) = delete;

  [[nodiscard]] BlockPool& pool() { return pool_; }
  /// Sets how much may stay while so many sessions may send bodies.
  void allow(std::size_t sessions);
  /// Nothing is read for now.
  void allow_none();
  /// Comes before `bytes` more of a file are read: waits until what is read at once may stay, as long as
  /// bodies on their way go on giving room back.
  [[nodiscard]] boost::asio::awaitable<void> wait(std::uint64_t bytes);
  void stop();

 private:
  struct Waiter {
    std::unique_ptr<Alarm> alarm;
    bool gave_up = false;  ///< nothing came back in time, nor since
  };

  Timers& timers_;
  Batcher& batcher_;
  BlockPool pool_;
  std::shared_ptr<Waiter> waiter_;
  std::size_t most_ = 0;
  bool stopping_ = false;
};

}  // namespace usherd
