#include "usherd/submit/job_word.hpp"

#include "tests/fakes/scripted_transport.hpp"

#include <doctest/doctest.h>

namespace usherd::test {
namespace {

using fakes::answered;
using fakes::lost;

TEST_CASE("what keeps every request waiting says nothing of a job") {
  for (const auto status : {301U, 302U, 401U, 403U, 429U}) {
    CAPTURE(status);
    CHECK(word_without_job(Call::status, answered(status)) == JobWord::none);
  }
  for (const auto status : {200U, 202U, 400U, 404U, 409U, 500U, 502U, 503U}) {
    CAPTURE(status);
    CHECK(word_without_job(Call::status, answered(status)) == JobWord::unclear);
  }
  CHECK(word_without_job(Call::status, lost(Progress::nothing)) == JobWord::none);
  CHECK(word_without_job(Call::status, lost(Progress::body_written, Errc::timeout)) == JobWord::none);
  CHECK(word_without_job(Call::status, lost(Progress::answer_started, Errc::invalid)) == JobWord::unclear);
  // A job that is not found is one thing, a POST that finds no API another.
  CHECK(word_without_job(Call::create, answered(404)) == JobWord::none);
}

}  // namespace
}  // namespace usherd::test
