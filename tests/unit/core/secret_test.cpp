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

TEST_CASE("wiped memory holds zeros") {
  std::array<char, 4> text{'k', 'e', 'y', '!'};
  usherd::wipe_memory(text.data(), text.size());
  CHECK(text == std::array<char, 4>{});
}
