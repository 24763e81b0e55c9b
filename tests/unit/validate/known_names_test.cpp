#include "src/validate/names.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

using namespace usherd;
using Found = KnownNames::Found;

namespace {

/// As names stand on a tape: eight bytes can be read behind each.
class Names {
 public:
  Found find(const std::string& name) { return known_.find(on_tape(name)); }
  bool add(const std::string& name) { return known_.add(on_tape(name)); }
  void begin_object() { known_.begin_object(); }

 private:
  std::string_view on_tape(const std::string& name) {
    tape_ = name + "\"trailing";
    return std::string_view(tape_).substr(0, name.size());
  }
  KnownNames known_;
  std::string tape_;
};

std::string name_of(std::mt19937& random) {
  // Short, around the two words that are compared at once, and long ones that differ in the middle.
  const std::size_t lengths[] = {1, 2, 7, 8, 9, 15, 16, 17, 40};
  std::string name(lengths[random() % std::size(lengths)], 'a');
  name[random() % name.size()] = static_cast<char>('a' + random() % 3);
  return name;
}

}  // namespace

TEST_CASE("Names are known once they were added, and told to stand twice in one record alone") {
  std::mt19937 random(1);
  Names names;
  std::set<std::string> good;
  for (int record = 0; record < 5000; ++record) {
    names.begin_object();
    std::set<std::string> seen;
    for (int i = 0; i < 20; ++i) {
      const auto name = name_of(random);
      const auto found = names.find(name);
      CAPTURE(name);
      REQUIRE((found == Found::unknown) == !good.contains(name));
      REQUIRE((found == Found::again) == seen.contains(name));
      if (found == Found::unknown && random() % 2 == 0) {
        REQUIRE(names.add(name));
        good.insert(name);
      }
      if (found != Found::unknown || good.contains(name))
        seen.insert(name);
    }
  }
}

TEST_CASE("A name that is empty, or of which another is a part, is not taken for a known one") {
  Names names;
  names.begin_object();
  CHECK(names.find("") == Found::unknown);
  REQUIRE(names.add("plan_of_the_company"));
  REQUIRE(names.add("plan"));
  names.begin_object();
  for (const std::string name :
       {"", "p", "pla", "plans", "plan_of_the_compan", "plan_of_the_company_", "plan_of_thE_company"}) {
    CAPTURE(name);
    CHECK(names.find(name) == Found::unknown);
  }
  CHECK(names.find("plan") == Found::first);
  CHECK(names.find("plan_of_the_company") == Found::first);
  CHECK(names.find("plan") == Found::again);
}

TEST_CASE("What is full takes nothing up in this record, and begins anew with the next") {
  Names names;
  names.begin_object();
  std::size_t added = 0;
  const auto name = [&](std::size_t number) {
    return std::string(number % 2 == 0 ? 3 : 100, 'n') + std::to_string(number);
  };
  while (names.add(name(added)))
    REQUIRE(++added < 100'000);
  CHECK(added > kMostProperties);
  CHECK(names.find(name(0)) == Found::again);
  CHECK(names.find(name(added)) == Found::unknown);
  CHECK_FALSE(names.add("short"));
  names.begin_object();
  CHECK(names.find(name(0)) == Found::unknown);
  CHECK(names.add(name(0)));
}

TEST_CASE("A name is followed where it stands as it did, and none is taken for it") {
  KnownNames known;
  const auto follow = [&](const std::string& lead) {
    const auto text = lead + "1, behind";
    return known.follow(text.data(), lead.size());
  };
  const auto learn = [&](const std::string& lead) {
    const auto begin = lead.find('"') + 1;
    const auto name = std::string_view(lead).substr(begin, lead.find('"', begin) - begin);
    if (known.find(name) == Found::unknown)
      REQUIRE(known.add(name));
    known.keep_lead(lead.data(), lead.size());
  };
  const std::vector<std::string> leads = {R"({"a":)", R"(, "plan" :)", R"(,"seats_at_the_table":)",
                                          R"(,"the_last_day_of_the_week": )"};
  known.begin_object();
  CHECK(follow(leads[0]) == Found::unknown);
  for (const auto& lead : leads)
    learn(lead);
  known.begin_object();
  for (const auto& lead : leads) {
    for (std::size_t i = 0; i < lead.size(); ++i) {
      auto other = lead;
      ++other[i];
      CAPTURE(other);
      REQUIRE(follow(other) == Found::unknown);
    }
    REQUIRE(follow(lead.substr(0, lead.size() - 1)) == Found::unknown);
    REQUIRE(follow(lead) == Found::first);
    CHECK(known.length() == std::string_view(lead).substr(0, lead.rfind('"')).size() - lead.find('"') - 1);
  }
  // Of many that may follow the beginning the latest are kept.
  const std::vector<std::string> others = {R"({"b":)", R"({"c" :)", R"({"d": )", R"({"plan":)"};
  for (const auto& other : others) {
    known.begin_object();
    CHECK(follow(leads[0]) == Found::first);
    known.begin_object();
    learn(other);
  }
  known.begin_object();
  CHECK(follow(leads[0]) == Found::unknown);
  for (const auto& other : others) {
    known.begin_object();
    CHECK(follow(other) == Found::first);
  }
  known.begin_object();
  learn(leads[0]);
  known.begin_object();
  CHECK(follow(leads[0]) == Found::first);
  known.begin_object();
  CHECK(follow(others[0]) == Found::unknown);
  learn(R"({"no_more_than_so_many_bytes_are_kept":)");
  known.begin_object();
  CHECK(follow(R"({"no_more_than_so_many_bytes_are_kept":)") == Found::unknown);
  CHECK(follow(others[1]) == Found::unknown);
}

TEST_CASE("A name that is followed twice stands twice") {
  KnownNames known;
  const std::string text = R"(,"plan":1, behind)";
  const auto name = std::string_view(text).substr(2, 4);
  const auto learn = [&] {
    if (known.find(name) == Found::unknown)
      REQUIRE(known.add(name));
    known.keep_lead(text.data(), 8);
  };
  known.begin_object();
  learn();
  learn();
  known.begin_object();
  CHECK(known.follow(text.data(), 8) == Found::first);
  CHECK(known.follow(text.data(), 8) == Found::again);
}
