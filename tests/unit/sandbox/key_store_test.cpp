#include "src/sandbox/key_store.hpp"
#include "src/sandbox/key_book.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace usherd;
using namespace usherd::sandbox;

namespace {

const WallTime kNow{std::chrono::hours(1000)};

KeptAnswer kept(unsigned status) {
  KeptAnswer answer;
  answer.status = status;
  answer.body = "body";
  return answer;
}

}  // namespace

TEST_CASE("which answers are kept depends on the wording in force") {
  struct Row {
    unsigned status;
    bool newer;
    bool older;
  };
  constexpr std::array kRows = std::to_array<Row>({{200, true, true},
                                                   {400, true, true},
                                                   {429, false, true},
                                                   {500, true, true},
                                                   {501, false, true},
                                                   {503, false, true}});
  for (const Row& row : kRows) {
    CAPTURE(row.status);
    CHECK(KeyStore::keeps(row.status, Idempotency::newer) == row.newer);
    CHECK(KeyStore::keeps(row.status, Idempotency::older) == row.older);
    CHECK_FALSE(KeyStore::keeps(row.status, Idempotency::off));
  }
}

TEST_CASE("a key replays its answer, and refuses another body") {
  KeyStore store;
  const Settings settings;
  CHECK(store.begin("k", 1, kNow, settings).verdict == KeyVerdict::execute);
  store.finish("k", 1, kept(200), kNow, kNow, settings);
  const auto again = store.begin("k", 1, kNow + std::chrono::hours(23), settings);
  CHECK(again.verdict == KeyVerdict::replay);
  CHECK(again.answer.body == "body");
  CHECK(store.begin("k", 2, kNow, settings).verdict == KeyVerdict::other_body);
  CHECK(store.begin("other", 1, kNow, settings).verdict == KeyVerdict::execute);
}

TEST_CASE("a key is forgotten after its life") {
  KeyStore store;
  const Settings settings;
  store.finish("k", 1, kept(200), kNow, kNow, settings);
  CHECK(store.begin("k", 2, kNow + std::chrono::hours(24), settings).verdict == KeyVerdict::execute);
}

TEST_CASE("a key is in use until its answer has left") {
  KeyStore store;
  const Settings settings;
  const WallTime answered = kNow + std::chrono::seconds(5);
  store.finish("k", 1, kept(429), kNow, answered, settings);
  CHECK(store.begin("k", 1, kNow, settings).verdict == KeyVerdict::in_use);
  CHECK(store.begin("k", 1, answered, settings).verdict == KeyVerdict::execute);
}

TEST_CASE("the book tells a batch that was applied twice from one that was posted twice") {
  KeyBook book;
  book.posted("k1", 7);
  book.posted("k1", 7);
  book.applied("k1", 7, 10);
  CHECK(book.applied_twice() == 0);
  CHECK(book.most_posts() == 2);
  book.applied("k1", 7, 10);
  CHECK(book.applied_twice() == 10);
  book.posted("k2", 7);
  book.applied("k2", 7, 4);
  CHECK(book.applied_twice() == 10);
  CHECK(book.bodies_applied_twice() == 14);
}

TEST_CASE("a key that came with two bodies is counted once") {
  KeyBook book;
  book.posted("k", 1);
  book.posted("k", 2);
  book.posted("k", 3);
  book.posted("k", 1);
  CHECK(book.with_two_bodies() == 1);
  book.posted("", 1);
  CHECK(book.keys().size() == 1);
}
