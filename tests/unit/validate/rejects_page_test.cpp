#include "tests/unit/validate/text_file.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <regex>

using namespace usherd;

TEST_CASE("every example on the page of rejects is refused with its code") {
  std::ifstream page("docs/rejects.md");
  REQUIRE(page);
  BlockReader reader({}, test_keys());
  const std::regex row(R"(^\| `([a-z_]+)` \|.*\| `([\[{].*)` \|$)");
  int examples = 0;
  for (std::string line; std::getline(page, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row))
      continue;
    CAPTURE(line);
    const auto rejection = reader.check_line(match[2].str());
    REQUIRE(rejection);
    CHECK(rejection->code == match[1].str());
    ++examples;
  }
  CHECK(examples >= 15);
}
