#include "usherd/batch/user_table.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <unordered_map>
#include <vector>

using namespace usherd;
using Place = UserTable::Place;

namespace {

/// What the table should hold of a key.
struct Noted {
  std::uint8_t holder = 0;
  std::uint32_t tail = 0;
  bool has_tail = false;
};

using Model = std::unordered_map<std::uint64_t, Noted>;

void check_same(const UserTable& table, const Model& model) {
  REQUIRE(table.size() == model.size());
  for (const auto& [key, noted] : model) {
    Place place;
    REQUIRE(table.find(key, place));
    REQUIRE(table.holder(place) == noted.holder);
    REQUIRE(table.has_tail(place) == noted.has_tail);
    if (noted.has_tail)
      REQUIRE(table.tail(place) == noted.tail);
  }
}

/// A key of one of `homes` groups, and often with the tag of another.
std::uint64_t crowded_key(std::mt19937_64& random, std::uint64_t homes) {
  return random() % 3 << 62 | (random() % 500 + 1) << 20 | random() % homes;
}

void put(UserTable& table, Model& model, std::uint64_t key, std::mt19937_64& random) {
  const auto holder = static_cast<std::uint8_t>(random());
  Place place;
  const bool was_there = table.find_or_insert(key, holder, place);
  REQUIRE(was_there == model.contains(key));
  if (!was_there) {
    model[key] = {holder, 0, false};
    REQUIRE_FALSE(table.has_tail(place));
  }
  if (random() % 2 == 0) {
    const auto tail = static_cast<std::uint32_t>(random());
    table.set_tail(place, tail);
    model[key].tail = tail;
    model[key].has_tail = true;
  } else {
    table.clear_tail(place);
    model[key].has_tail = false;
  }
}

void erase(UserTable& table, Model& model, std::uint64_t key) {
  Place place;
  const bool was_there = table.find(key, place);
  REQUIRE(was_there == (model.erase(key) == 1));
  if (was_there)
    table.erase(place);
}

}  // namespace

TEST_CASE("A table of users holds what was put in and not erased, however its keys crowd") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    // Few groups are full many times over, and those at the end of the table go round it.
    const std::uint64_t homes = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 7 : std::uint64_t{1} << 20;
    UserTable table;
    Model model;
    for (int step = 0; step < 20'000; ++step) {
      const auto key = random() % 2 == 0 ? crowded_key(random, homes) : ~crowded_key(random, homes);
      // It fills for a while, then empties.
      if (random() % 100 < (step / 4000 % 2 == 0 ? 80U : 20U))
        put(table, model, key, random);
      else
        erase(table, model, key);
      if (step % 500 == 0) {
        table.give_room_back();
        check_same(table, model);
      }
    }
    check_same(table, model);
    const auto left = model;
    for (const auto& [key, noted] : left)
      erase(table, model, key);
    CHECK(table.size() == 0);
  }
}

TEST_CASE("A table of users doubles and shrinks with all that stands in it") {
  std::mt19937_64 random(1);
  UserTable table;
  Model model;
  std::vector<std::uint64_t> keys;
  auto memory = table.memory();
  int doubled = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto next = table.next_memory();
    keys.push_back(random());
    put(table, model, keys.back(), random);
    if (table.memory() == memory)
      continue;
    CHECK(table.memory() == next);
    memory = table.memory();
    ++doubled;
    check_same(table, model);
  }
  CHECK(doubled > 5);
  table.give_room_back();
  CHECK(table.memory() == memory);
  for (std::size_t i = 100; i < keys.size(); ++i)
    erase(table, model, keys[i]);
  for (int i = 0; i < 10; ++i)
    table.give_room_back();
  CHECK(table.memory() < memory / 4);
  check_same(table, model);
}

TEST_CASE("Key 0 is in no table of users") {
  UserTable table;
  Place place;
  CHECK_FALSE(table.find(0, place));
  CHECK_FALSE(table.find_or_insert(std::uint64_t{1} << 40, 1, place));
  table.erase(place);
  CHECK_FALSE(table.find(0, place));
}

TEST_CASE("A question ends though keys went by every group") {
  constexpr std::uint64_t kGroups = 256;
  constexpr std::uint64_t kEntries = 6;
  UserTable table;
  const auto memory = table.memory();
  Place place;
  const auto key = [](std::uint64_t home, std::uint64_t nth) { return home | (nth + 1) << 32; };
  // What is put in while these groups are full comes behind them, and stays there when they are empty again.
  const auto go_by = [&](std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> full;
    for (auto home = first; home < last; ++home) {
      for (std::uint64_t i = 0; i < kEntries; ++i)
        full.push_back(key(home, i));
    }
    for (const auto each : full)
      table.find_or_insert(each, 1, place);
    table.find_or_insert(key(first, kEntries), 1, place);
    for (const auto each : full) {
      REQUIRE(table.find(each, place));
      table.erase(place);
    }
  };
  go_by(0, 150);
  go_by(150, kGroups);
  REQUIRE(table.memory() == memory);
  REQUIRE(table.size() == 2);
  CHECK_FALSE(table.find(key(7, 0), place));
  CHECK(table.find(key(0, kEntries), place));
  CHECK(table.find(key(150, kEntries), place));
}
