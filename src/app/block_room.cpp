#include "usherd/app/block_room.hpp"

#include "usherd/app/file_reading.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace usherd {
namespace {

/// The largest body, and most of the next one, which grows meanwhile.
constexpr std::size_t kMostKept = std::size_t{16} << 20;
/// What bodies take altogether, those that are read from the disk by as many sessions as there are included.
constexpr std::size_t kAllBodies = std::size_t{24} << 20;
constexpr std::size_t kBodyOfSession = std::size_t{320} << 10;
/// What users and waiting records take, or will once more of them come, is taken from these blocks.
constexpr std::size_t kWithOrder = std::size_t{24} << 20;
/// How long nothing may come back. To read a body twice costs less than to wait for a server that is slow, or
/// says nothing.
constexpr std::chrono::milliseconds kPatience{100};

std::size_t less(std::size_t all, std::size_t part) {
  return all > part ? all - part : 0;
}

}  // namespace

BlockRoom::BlockRoom(boost::asio::any_io_executor loop, Timers& timers, Batcher& batcher)
    : timers_(timers),
      batcher_(batcher),
      pool_(0, BlockReader::kPooledBytes),
      waiter_(std::make_shared<Waiter>(Waiter{timers.alarm(WaitFor::memory)})) {
  pool_.on_return([loop = std::move(loop), weak = std::weak_ptr(waiter_)] {
    boost::asio::post(loop, [weak] {
      if (const auto waiter = weak.lock()) {
        waiter->gave_up = false;
        waiter->alarm->ring();
      }
    });
  });
}

BlockRoom::~BlockRoom() {
  pool_.on_return({});
}

void BlockRoom::allow(std::size_t sessions) {
  const auto bytes = std::min({kMostKept, less(kAllBodies, sessions * kBodyOfSession),
                               less(kWithOrder, batcher_.order().next_memory())});
  most_ = bytes / BlockReader::kBlockBytes;
  pool_.set_most(most_);
}

void BlockRoom::allow_none() {
  most_ = 0;
  pool_.set_most(0);
}

boost::asio::awaitable<void> BlockRoom::wait(std::uint64_t bytes) {
  const auto wanted = std::min<std::uint64_t>(
      {std::uint64_t{FileReading::kBlocksAtOnce}, most_, (bytes - 1) / BlockReader::kBlockBytes + 1});
  while (!stopping_ && pool_.room() < wanted) {
    pool_.tell_next();
    // What is still being packed waits for the reader. Room may have come before anybody asked to be told.
    const bool some_come = pool_.in_use() > batcher_.kept_blocks();
    if (waiter_->gave_up || !some_come || pool_.room() >= wanted)
      co_return;
    waiter_->gave_up = co_await waiter_->alarm->wait_until(timers_.now().boot + kPatience);
  }
}

void BlockRoom::stop() {
  stopping_ = true;
  waiter_->alarm->ring();
}

}  // namespace usherd
