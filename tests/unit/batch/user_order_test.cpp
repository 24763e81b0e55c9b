#include "usherd/batch/user_order.hpp"

#include "tests/unit/batch/order_model.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace usherd;
using Offer = UserOrder::Offer;

namespace {

QueuedRecord record(std::uint64_t id, std::uint64_t user, std::uint64_t second = 0) {
  QueuedRecord out;
  out.record.user = user;
  out.record.second = second;
  out.record.offset = id;
  out.record.line = id + 1;
  out.record.length = static_cast<std::uint32_t>(100 + id);
  out.file = 3;
  return out;
}

std::vector<std::uint64_t> ids(const std::vector<QueuedRecord>& records) {
  std::vector<std::uint64_t> out;
  for (const auto& each : records) {
    out.push_back(each.record.offset);
  }
  return out;
}

/// Takes all that is ready and tells which they were.
std::vector<std::uint64_t> take_all(UserOrder& order, UserOrder::Holder holder = 9) {
  std::vector<QueuedRecord> taken;
  while (order.has_ready()) {
    taken.push_back(order.take_ready(holder));
  }
  return ids(taken);
}

using Ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("A record without a user is never held up and holds nothing") {
  UserOrder order;
  for (int i = 0; i < 3; ++i) {
    CHECK(order.offer(record(1, 0), 1) == Offer::taken);
  }
  order.release(0);
  order.hold(0);
  CHECK(order.held_keys() == 0);
  CHECK_FALSE(order.has_waiting(0));
  CHECK(order.waiting_behind(0, 10).empty());
}

TEST_CASE("Later records of a held user wait and come in order of acceptance, one for each release") {
  UserOrder order;
  CHECK(order.offer(record(1, 7), 1) == Offer::taken);
  CHECK(order.offer(record(2, 7), 2) == Offer::waits);
  CHECK(order.offer(record(3, 7), 2) == Offer::waits);
  CHECK(order.waiting() == 2);
  order.release(7);
  CHECK(take_all(order) == Ids{2});
  order.release(7);
  CHECK(take_all(order) == Ids{3});
  CHECK(order.waiting() == 0);
  CHECK(order.held_keys() == 1);
  order.release(7);
  CHECK(order.held_keys() == 0);
  CHECK(order.offer(record(4, 7), 3) == Offer::taken);
}

TEST_CASE("A record that waited comes out as it went in") {
  UserOrder order;
  QueuedRecord in;
  in.record = {7, 0, 0x1234'5678'9ABC, 4'000'000'000, kMostRecordBytes, kMergeable | kSingle};
  in.file = 123'456;
  CHECK(order.offer(record(1, 7), 1) == Offer::taken);
  CHECK(order.offer(in, 2) == Offer::waits);
  order.release(7);
  const auto out = order.take_ready(2);
  CHECK(out.record.user == 7);
  CHECK(out.record.second == 0);
  CHECK(out.record.offset == in.record.offset);
  CHECK(out.record.line == in.record.line);
  CHECK(out.record.length == in.record.length);
  CHECK(out.record.flags == in.record.flags);
  CHECK(out.file == in.file);
}

TEST_CASE("Only the first behind a key that the same batch holds is a candidate for merging") {
  struct Row {
    std::string name;
    UserOrder::Holder holder;
    UserOrder::Holder offered_by;
    bool somebody_waits;
    Offer expected;
  };
  const Row rows[] = {
      {"first behind its own batch", 5, 5, false, Offer::waits_first},
      {"second behind its own batch", 5, 5, true, Offer::waits},
      {"behind another batch", 5, 6, false, Offer::waits},
      {"behind a batch of an earlier run", UserOrder::kNobody, UserOrder::kNobody, false, Offer::waits},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    UserOrder order;
    if (row.holder == UserOrder::kNobody) {
      order.hold(7);
    } else {
      CHECK(order.offer(record(1, 7), row.holder) == Offer::taken);
    }
    if (row.somebody_waits) {
      order.offer(record(2, 7), row.holder);
    }
    CHECK(order.offer(record(3, 7), row.offered_by) == row.expected);
  }
}

TEST_CASE("A record whose turn came holds its keys for nobody until it is taken") {
  UserOrder order;
  order.offer(record(1, 7), 1);
  order.offer(record(2, 7), 1);
  order.release(7);
  CHECK(order.offer(record(3, 7), 1) == Offer::waits);
  CHECK(take_all(order, 4) == Ids{2});
  CHECK(order.offer(record(4, 7), 4) == Offer::waits);
  order.release(7);
  CHECK(take_all(order, 4) == Ids{3});
}

TEST_CASE("A record with two keys waits for both, and nobody overtakes it at the one that was free") {
  UserOrder order;
  CHECK(order.offer(record(1, 7), 1) == Offer::taken);
  SUBCASE("the first key is held") {
    CHECK(order.offer(record(2, 7, 8), 1) == Offer::waits);
  }
  SUBCASE("the second key is held") {
    CHECK(order.offer(record(2, 8, 7), 1) == Offer::waits);
  }
  CHECK(order.waiting() == 1);
  CHECK(order.offer(record(3, 8), 1) == Offer::waits);
  CHECK(order.offer(record(4, 7), 1) == Offer::waits);
  order.release(7);
  CHECK(take_all(order) == Ids{2});
  order.release(8);
  CHECK(take_all(order) == Ids{3});
  order.release(7);
  CHECK(take_all(order) == Ids{4});
  order.release(7);
  order.release(8);
  CHECK(order.held_keys() == 0);
}

TEST_CASE("A record with two held keys is ready at the second release and gives its keys back as they were") {
  for (const bool first_first : {true, false}) {
    CAPTURE(first_first);
    UserOrder order;
    order.offer(record(1, 7), 1);
    order.offer(record(2, 8), 1);
    CHECK(order.offer(record(3, 7, 8), 1) == Offer::waits);
    CHECK(order.waiting() == 1);
    order.release(first_first ? 7 : 8);
    CHECK_FALSE(order.has_ready());
    CHECK(order.waiting() == 1);
    order.release(first_first ? 8 : 7);
    REQUIRE(order.has_ready());
    const auto pair = order.take_ready(2);
    CHECK(pair.record.user == 7);
    CHECK(pair.record.second == 8);
    CHECK(pair.record.offset == 3);
    CHECK(order.waiting() == 0);
  }
}

TEST_CASE("Records with the same two keys in either order do not lock each other out") {
  UserOrder order;
  CHECK(order.offer(record(1, 7, 8), 1) == Offer::taken);
  CHECK(order.offer(record(2, 8, 7), 1) == Offer::waits);
  CHECK(order.offer(record(3, 7, 8), 1) == Offer::waits);
  for (const std::uint64_t next : {2U, 3U}) {
    order.release(7);
    order.release(8);
    CHECK(take_all(order) == Ids{next});
  }
}

TEST_CASE("What is put back goes before all that wait, in its own order") {
  for (const bool somebody_waits : {true, false}) {
    CAPTURE(somebody_waits);
    UserOrder order;
    order.offer(record(1, 7), 1);
    Ids expected{2, 3, 4};
    if (somebody_waits) {
      order.offer(record(9, 7), 2);
      expected.push_back(9);
    }
    order.put_back(7, {record(2, 7), record(3, 7), record(4, 7)});
    CHECK(order.waiting() == expected.size());
    CHECK(ids(order.waiting_behind(7, 3)) == Ids{2, 3, 4});
    order.offer(record(10, 7), 2);
    expected.push_back(10);
    for (const auto next : expected) {
      order.release(7);
      CHECK(take_all(order) == Ids{next});
    }
  }
}

TEST_CASE("Looking behind a key stops at the first record with two keys and at the number asked for") {
  UserOrder order;
  order.offer(record(1, 7), 1);
  for (std::uint64_t id = 2; id <= 5; ++id) {
    order.offer(record(id, 7), 1);
  }
  CHECK(ids(order.waiting_behind(7, 2)) == Ids{2, 3});
  CHECK(ids(order.waiting_behind(7, 100)) == Ids{2, 3, 4, 5});
  CHECK(order.waiting_behind(7, 0).empty());
  SUBCASE("its first key") {
    order.offer(record(6, 7, 8), 1);
  }
  SUBCASE("its second key") {
    order.offer(record(6, 8, 7), 1);
  }
  order.offer(record(7, 7), 1);
  CHECK(ids(order.waiting_behind(7, 100)) == Ids{2, 3, 4, 5});
  CHECK(order.waiting_behind(8, 100).empty());
  CHECK(order.waiting_behind(99, 100).empty());
}

TEST_CASE("What was merged is forgotten and the next comes after it") {
  UserOrder order;
  order.offer(record(1, 7), 1);
  for (std::uint64_t id = 2; id <= 5; ++id) {
    order.offer(record(id, 7), 1);
  }
  order.drop_waiting(7, 2);
  CHECK(order.waiting() == 2);
  order.release(7);
  CHECK(take_all(order) == Ids{4});
  order.drop_waiting(7, 1);
  CHECK_FALSE(order.has_waiting(7));
  order.release(7);
  CHECK(order.held_keys() == 0);
}

TEST_CASE("A key found in use at start is held until it is released, however often it was found") {
  UserOrder order;
  order.hold(7);
  order.hold(7);
  CHECK(order.held_keys() == 1);
  CHECK(order.offer(record(1, 7), 1) == Offer::waits);
  order.release(7);
  CHECK(take_all(order) == Ids{1});
  order.release(99);
}

TEST_CASE("Keys that fall into one place of the table are told apart while it grows and shrinks") {
  UserOrder order;
  std::vector<std::uint64_t> keys;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    // Runs of equal low bits that reach over the table's end.
    keys.push_back(((i + 1) << 20) | (i % 3 == 0 ? 0xFFFFF : 0xFFFF0));
  }
  for (const auto key : keys) {
    REQUIRE(order.offer(record(key, key), 1) == Offer::taken);
  }
  for (std::size_t i = 0; i < keys.size(); i += 2) {
    order.release(keys[i]);
  }
  CHECK(order.held_keys() == 1500);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    REQUIRE(order.offer(record(i, keys[i]), 2) == (i % 2 == 0 ? Offer::taken : Offer::waits));
  }
}

TEST_CASE("Keys that stand around the table's end keep being found while it doubles") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    UserOrder order;
    std::vector<std::uint64_t> keys;
    for (std::uint64_t i = 0; i < 5000; ++i) {
      // Each doubling parts these between the end and the beginning of a half.
      const auto low = (random() % 16 - 8) & 0x3FF;
      keys.push_back((i + 1) << 40 | (random() & 0x3FF) << 10 | low);
      REQUIRE(order.offer(record(i, keys.back()), 1) == Offer::taken);
      const auto& before = keys[random() % keys.size()];
      REQUIRE(order.offer(record(i, before), 2) == Offer::waits);
      order.release(before);
      REQUIRE(order.take_ready(1).record.user == before);
    }
    for (const auto key : keys)
      REQUIRE(order.offer(record(0, key), 2) == Offer::waits);
    CHECK(order.held_keys() == keys.size());
    for (const auto key : keys) {
      order.release(key);
      REQUIRE(order.take_ready(1).record.user == key);
      order.release(key);
    }
    CHECK(order.held_keys() == 0);
  }
}

TEST_CASE("A waiting record is given back as it was, wherever it stands") {
  UserOrder order;
  order.offer(record(0, 7), 1);
  const std::uint64_t offsets[] = {
      0, 1, 0xFFFF'FFFF, 0x1'0000'0000, 0x7FF'FFFF'FFFF, 0x800'0000'0000, 0xFFFF'FFFF'FFFF};
  std::vector<QueuedRecord> records;
  for (const auto offset : offsets) {
    for (const unsigned flags :
         {0U, 1U * kMergeable, 1U * kSingle, 1U * kChanged, 0U + kMergeable + kSingle + kChanged}) {
      QueuedRecord each = record(0, 7);
      each.record.offset = offset;
      each.record.length = offset % 2 == 0 ? 2 : kMostRecordBytes;
      each.record.line = offset % 2 == 0 ? 1 : 0xFFFF'FFFF;
      each.record.flags = static_cast<std::uint8_t>(flags);
      each.file = offset % 2 == 0 ? 0 : (1U << 20) - 1;
      records.push_back(each);
      order.offer(each, 2);
    }
  }
  for (const auto& expected : records) {
    order.release(7);
    const auto given = order.take_ready(3);
    CHECK(given.record.offset == expected.record.offset);
    CHECK(given.record.length == expected.record.length);
    CHECK(given.record.line == expected.record.line);
    CHECK(given.record.flags == expected.record.flags);
    CHECK(given.file == expected.file);
  }
}

TEST_CASE("After a large backlog went away, a new one is kept as well") {
  UserOrder order;
  for (int round = 0; round < 3; ++round) {
    order.offer(record(0, 7), 1);
    for (std::uint64_t id = 1; id <= 5000; ++id) {
      order.offer(record(id, 7), 1);
    }
    for (std::uint64_t id = 1; id <= 5000; ++id) {
      order.release(7);
      REQUIRE(take_all(order) == Ids{id});
    }
    order.release(7);
    CHECK(order.waiting() == 0);
    CHECK(order.held_keys() == 0);
  }
}

TEST_CASE("Order keeps to a plain model under hundreds of thousands of random operations") {
  struct Row {
    std::string name;
    test::KeyChoice keys;
    int operations;
  };
  const Row rows[] = {
      {"six users", {6, 0}, 150'000},
      {"a hundred users", {100, 0}, 150'000},
      {"many users", {20'000, 0}, 200'000},
      {"many users whose keys collide", {5000, 12}, 100'000},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    test::OrderModel model(row.keys, 42);
    for (int i = 0; i < row.operations; ++i) {
      CAPTURE(i);
      REQUIRE(model.step() == "");
    }
    CHECK(model.drain() == "");
  }
}
