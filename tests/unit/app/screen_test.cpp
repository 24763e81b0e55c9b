#include "src/app/screen.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using usherd::fit_screen;

namespace {

std::string many_lines(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i)
    text += "line " + std::to_string(i) + "\n";
  return text;
}

TEST_CASE("what fits a screen is shown as it is") {
  CHECK(fit_screen("State     idle\nJobs      none\n", "", {80, 24}) == "State     idle\nJobs      none\n");
  CHECK(fit_screen(many_lines(11), "", {60, 12}) == many_lines(11));
  CHECK(fit_screen("", "", {80, 24}).empty());
}

TEST_CASE("of a text that is too long the first lines are shown and the others counted") {
  CHECK(fit_screen(many_lines(34), "", {60, 12}) ==
        many_lines(10) + "and 24 more lines, for which the terminal is too low\n");
  CHECK(fit_screen(many_lines(34), "away; trying again", {60, 12}) ==
        many_lines(9) + "and 25 more lines, for which the terminal is too low\naway; trying again\n");
}

TEST_CASE("a line is cut to the width and says so; colours take no room and end with it") {
  CHECK(fit_screen("0123456789\n", "", {11, 24}) == "0123456789\n");
  CHECK(fit_screen("0123456789\n", "", {10, 24}) == "01234567…\n");
  CHECK(fit_screen("\x1b[1mState\x1b[0m \x1b[31mparked\x1b[0m\n", "", {13, 24}) ==
        "\x1b[1mState\x1b[0m \x1b[31mparked\x1b[0m\n");
  CHECK(fit_screen("\x1b[1mState\x1b[0m \x1b[31mparked\x1b[0m\n", "", {10, 24}) ==
        "\x1b[1mState\x1b[0m \x1b[31mpa…\x1b[0m\n");
  CHECK(fit_screen("▁▂▃▄\n", "", {5, 24}) == "▁▂▃▄\n");
  CHECK(fit_screen("名前名前\n", "", {6, 24}) == "名前…\n");
}

TEST_CASE("a terminal of no size to speak of gets something all the same") {
  for (const std::size_t size : {0, 1, 2, 3}) {
    const auto shown = fit_screen(many_lines(9), "away", {size, size});
    CHECK(std::count(shown.begin(), shown.end(), '\n') <= 3);
  }
}

}  // namespace
