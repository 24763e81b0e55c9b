#include "usherd/validate/user_keys.hpp"

#include "tests/unit/validate/text_file.hpp"

#include <doctest/doctest.h>

using namespace usherd;

TEST_CASE("a user's key depends on the text, the secret and whether it is a uid or an id") {
  const auto keys = test_keys();
  CHECK(keys.uid("anna") == keys.uid("anna"));
  CHECK(keys.uid("anna") != keys.uid("anne"));
  CHECK(keys.uid("anna") != keys.id("anna"));
  CHECK(keys.uid("anna") != test_keys(2).uid("anna"));
  for (const std::size_t length : {1, 8, 16, 17, 128, 129, 240, 241, 1024}) {
    const std::string name(length, 'n');
    CHECK(keys.uid(name) != 0);
    CHECK(keys.uid(name) != test_keys(2).uid(name));
  }
}
