#include "usherd/submit/body_lesson.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace usherd;
using namespace std::chrono_literals;

namespace {

constexpr BootTime kBegin{1h};
constexpr auto kTerm = BodyLesson::kFirstTerm;

}  // namespace

TEST_CASE("What was refused as too large holds for ever, the least of all") {
  BodyLesson lesson;
  CHECK_FALSE(lesson.most_bytes(kBegin));
  lesson.refused(4000);
  lesson.refused(2000);
  lesson.refused(3000);
  CHECK(lesson.most_bytes(kBegin) == 2000);
  CHECK(lesson.most_bytes(kBegin + 1000h) == 2000);
}

TEST_CASE("What cut uploads taught holds for a while after the last of them") {
  BodyLesson lesson;
  lesson.cut(4000, kBegin);
  lesson.cut(2000, kBegin + 1min);
  lesson.cut(3000, kBegin + 2min);
  CHECK(lesson.most_bytes(kBegin + 2min) == 2000);
  CHECK(lesson.most_bytes(kBegin + 2min + kTerm - 1ms) == 2000);
  CHECK_FALSE(lesson.most_bytes(kBegin + 2min + kTerm));
}

TEST_CASE("What proves true again holds twice as long") {
  BodyLesson lesson;
  lesson.cut(100, kBegin);
  const auto again = kBegin + kTerm;
  lesson.cut(4000, again);
  CHECK(lesson.most_bytes(again) == 4000);
  lesson.cut(2000, again);
  CHECK(lesson.most_bytes(again + 2 * kTerm - 1ms) == 2000);
  CHECK_FALSE(lesson.most_bytes(again + 2 * kTerm));
}

TEST_CASE("Of a refusal and a cut the smaller counts, and the refusal stays") {
  BodyLesson lesson;
  lesson.refused(3000);
  lesson.cut(4000, kBegin);
  CHECK(lesson.most_bytes(kBegin) == 3000);
  lesson.cut(1000, kBegin);
  CHECK(lesson.most_bytes(kBegin) == 1000);
  CHECK(lesson.most_bytes(kBegin + kTerm) == 3000);
}
