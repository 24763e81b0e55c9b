#include "src/adapters/answer_time.hpp"

#include <doctest/doctest.h>

using namespace usherd;

TEST_CASE("Each piece of a large answer brings as much time as its begin had") {
  AnswerTime time;
  CHECK_FALSE(time.begins_anew(kAnswerPiece - 1));
  CHECK(time.begins_anew(1));
  CHECK_FALSE(time.begins_anew(1));
  CHECK(time.begins_anew(kAnswerPiece - 1));
}

TEST_CASE("However much of an answer comes, its time has an end") {
  AnswerTime time;
  unsigned times = 1;
  for (unsigned i = 0; i < 100; ++i)
    times += time.begins_anew(kAnswerPiece) ? 1 : 0;
  CHECK(times == kMostAnswerTimes);
}

TEST_CASE("What drips brings none") {
  AnswerTime time;
  for (std::size_t i = 1; i < kAnswerPiece; ++i)
    CHECK_FALSE(time.begins_anew(1));
}
