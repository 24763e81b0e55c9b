#include "usherd/core/secret.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <type_traits>
#include <utility>

using usherd::Secret;

// What would let a secret slip into a log line or a second copy does not compile.
static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string_view, Secret>);

TEST_CASE("a secret gives its text to who asks for it by name") {
  const Secret secret("key");
  CHECK(secret.reveal() == "key");
  CHECK_FALSE(secret.empty());
  CHECK(Secret().empty());
  CHECK(Secret("").empty());
}

TEST_CASE("a secret that was moved from is empty, and the other holds the text") {
  Secret first("key");
  Secret second(std::move(first));
  CHECK(second.reveal() == "key");
  Secret third("other");
  third = std::move(second);
  CHECK(third.reveal() == "key");
  Secret& same = third;
  third = std::move(same);
  CHECK(third.reveal() == "key");
}

TEST_CASE("secrets are the same when their texts are") {
  CHECK(Secret("a").same_as(Secret("a")));
  CHECK_FALSE(Secret("a").same_as(Secret("b")));
  CHECK_FALSE(Secret("a").same_as(Secret("ab")));
  CHECK(Secret().same_as(Secret("")));
}

TEST_CASE("a secret in foreign text becomes stars, however JSON writes it") {
  struct Row {
    std::string text;
    std::string concealed;
  };
  const Row rows[] = {
      {"", ""},
      {"no such key", "no such key"},
      {"ab/cd=\"ef", "*********"},
      {"x ab/cd=\"ef and ab/cd=\"efab/cd=\"ef", "x ********* and ******************"},
      {R"("ab\/cd=\"ef")", R"("***********")"},
      {R"(ab\u002Fcd\u003d\u0022ef!)", "************************!"},
      {"aab/cd=\"ef", "a*********"},
      {R"(\ab/cd=\"ef)", "***********"},
      {"ab/cd=\"e", "ab/cd=\"e"},
      {R"(ab\u002)", R"(ab\u002)"},
      {R"(ab\u012Fcd=\"ef)", R"(ab\u012Fcd=\"ef)"},
      {"ab\\", "ab\\"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto text = row.text;
    usherd::conceal(text, "ab/cd=\"ef");
    CHECK(text == row.concealed);
  }
  std::string text = "it is first, and a\\\\b\\\\c\\\\d";
  usherd::conceal(text, "first");
  CHECK(text == "it is first, and a\\\\b\\\\c\\\\d");
  usherd::conceal(text, "a\\b\\c\\d\\");
  CHECK(text == "it is first, and a\\\\b\\\\c\\\\d");
  usherd::conceal(text, "\\a\\b\\c\\d");
  CHECK(text == "it is first, and a\\\\b\\\\c\\\\d");
  usherd::conceal(text, "and a\\b\\c");
  CHECK(text == "it is first, ***********\\\\d");
  usherd::conceal(text, "");
}

TEST_CASE("wiped memory holds zeros") {
  std::array<char, 4> text{'k', 'e', 'y', '!'};
  usherd::wipe_memory(text.data(), text.size());
  CHECK(text == std::array<char, 4>{});
}
