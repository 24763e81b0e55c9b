#include "usherd/batch/user_order.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace usherd;
using Offer = UserOrder::Offer;

namespace {

QueuedRecord record(std::uint64_t id, std::uint64_t user) {
  QueuedRecord out;
  out.record.user = user;
  out.record.offset = id;
  out.record.length = 100;
  return out;
}

}  // namespace

TEST_CASE("When few of a crowd of users are left, its memory is given back and nothing of theirs is lost") {
  constexpr std::uint64_t kCrowd = 300'000;
  constexpr std::uint64_t kLeft = 1000;
  UserOrder order;
  // Keys are hashes: these stand all over the table, two in a row.
  const auto key = [](std::uint64_t i) { return (i / 2 * 0x9E3779B97F4A7C15U) + i % 2 + 1; };
  for (std::uint64_t i = 0; i < kCrowd; ++i)
    order.offer(record(i, key(i)), 1);
  for (std::uint64_t i = 0; i < kLeft; ++i)
    order.offer(record(kCrowd + i, key(i)), 2);
  const auto crowded = order.memory();
  order.give_room_back();
  CHECK(order.memory() == crowded);
  for (std::uint64_t i = kLeft; i < kCrowd; ++i)
    order.release(key(i));
  for (int i = 0; i < 10; ++i)
    order.give_room_back();
  CHECK(order.memory() < crowded / 4);
  CHECK(order.held_keys() == kLeft);
  for (std::uint64_t i = 0; i < kLeft; ++i) {
    CHECK(order.offer(record(2 * kCrowd + i, key(i)), 3) == Offer::waits);
    order.release(key(i));
    CHECK(order.take_ready(3).record.offset == kCrowd + i);
    order.release(key(i));
    CHECK(order.take_ready(3).record.offset == 2 * kCrowd + i);
    order.release(key(i));
  }
  CHECK(order.held_keys() == 0);
}
