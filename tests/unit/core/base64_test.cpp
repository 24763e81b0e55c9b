#include "usherd/core/base64.hpp"

#include <doctest/doctest.h>

#include <string>

using usherd::append_base64;
using usherd::decode_base64;

TEST_CASE("base64 is that of RFC 4648, and read back to the same bytes") {
  struct Row {
    std::string bytes;
    std::string text;
  };
  const Row rows[] = {{"", ""},
                      {"f", "Zg=="},
                      {"fo", "Zm8="},
                      {"foo", "Zm9v"},
                      {"foobar", "Zm9vYmFy"},
                      {"\xFB\xEF\xFF", "++//"},
                      {std::string("\0\xE9\n", 3), "AOkK"}};
  for (const auto& row : rows) {
    std::string out = "in front:";
    append_base64(out, row.bytes);
    CHECK(out == "in front:" + row.text);
    CHECK(decode_base64(row.text) == row.bytes);
  }
  const std::string large((1 << 20) - 1, '\xE9');
  std::string out;
  append_base64(out, large);
  CHECK(decode_base64(out) == large);
}

TEST_CASE("what is no base64 has no bytes") {
  for (const auto* text :
       {"Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", " Zg==", "Zm 9", "Z-_v", "Zm9v=", "Zm=v"})
    CHECK_MESSAGE(!decode_base64(text), text);
}
