#include "usherd/submit/post_policy.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace usherd;
using namespace std::chrono_literals;

/// A failed row shows its step by number; the names stand in post_policy.hpp.
template <>
struct doctest::StringMaker<PostStep> {
  static String convert(PostStep step) { return ("step " + std::to_string(static_cast<int>(step))).c_str(); }
};

namespace {

constexpr BootTime kNow{std::chrono::hours{30}};

PostTry answer(unsigned status, bool api_json = true) {
  PostTry out;
  out.progress = Progress::answer_started;
  out.answered = true;
  out.status = status;
  out.is_api_error = api_json && status >= 400;
  return out;
}

PostTry job() {
  auto out = answer(200);
  out.has_job = true;
  return out;
}

PostTry failure(Progress progress) {
  PostTry out;
  out.progress = progress;
  return out;
}

PostTry changed_body() {
  auto out = failure(Progress::body_started);
  out.body_changed = true;
  return out;
}

PostTry unreadable_body() {
  auto out = failure(Progress::body_started);
  out.body_unreadable = true;
  return out;
}

PostTry replayed() {
  auto out = answer(401);
  out.replayed = true;
  return out;
}

KeyHistory fresh() {
  return {};
}

KeyHistory unanswered(std::optional<BootClock::duration> doubted_for = std::nullopt) {
  KeyHistory out;
  out.unanswered = true;
  if (doubted_for)
    out.doubted_since = kNow - *doubted_for;
  return out;
}

KeyHistory cut(unsigned uploads, bool and_unanswered = false) {
  KeyHistory out;
  out.cut_uploads = uploads;
  out.unanswered = and_unanswered;
  return out;
}

KeyHistory errors(unsigned count) {
  KeyHistory out;
  out.server_errors = count;
  out.unanswered = true;
  return out;
}

KeyHistory refused_alone(unsigned count, bool and_unanswered = false) {
  KeyHistory out;
  out.refusals_alone = count;
  out.unanswered = and_unanswered;
  return out;
}

enum class With {
  many,
  one,
  others_pass,
  others_pass_one,
  others_may_post,
  rekeyed,
  rekeyed_one,
  alone,
  alone_one
};

PostContext context(With with) {
  PostContext out;
  out.now = kNow;
  const bool one = with == With::one || with == With::others_pass_one || with == With::rekeyed_one ||
                   with == With::alone_one;
  out.operations = one ? 1 : 1000;
  out.others_pass = with == With::others_pass || with == With::others_pass_one || with == With::rekeyed ||
                    with == With::rekeyed_one;
  out.others_may_post = with == With::others_may_post;
  out.rekeyed = with == With::rekeyed || with == With::rekeyed_one ? 1 : 0;
  out.nothing_in_progress = with == With::alone || with == With::alone_one;
  return out;
}

struct Row {
  std::string name;
  PostTry attempt;
  KeyHistory history;
  With with;
  PostStep step;
  bool retire;
  bool unanswered_after;
};

void check(const Row& row) {
  CAPTURE(row.name);
  const auto decision = decide(row.attempt, row.history, context(row.with));
  CHECK(decision.step == row.step);
  CHECK(decision.retire_key == row.retire);
  if (!row.retire)
    CHECK(decision.history.unanswered == row.unanswered_after);
}

}  // namespace

TEST_CASE("What follows a try is what the operator was told: jobs and refusals") {
  using enum PostStep;
  const Row rows[] = {
      {"200 with a job", job(), fresh(), With::many, accepted, false, false},
      {"200 with a job after an unanswered try", job(), unanswered(), With::many, accepted, false, true},
      {"400, many records", answer(400), fresh(), With::many, halve, true, false},
      {"400, the culprit alone", answer(400), fresh(), With::one, reject, true, false},
      {"422 without an unanswered try", answer(422), fresh(), With::many, halve, true, false},
      {"400 after an unanswered try is no verdict", answer(400), unanswered(), With::many, retry, false,
       true},
      {"400 on a lone record after an unanswered try", answer(400), unanswered(), With::one, retry, false,
       true},
      {"409 after an unanswered try", answer(409), unanswered(), With::many, retry, false, true},
      {"422 after an unanswered try", answer(422), unanswered(9min + 59s), With::many, retry, false, true},
      {"400 for 10 minutes after an unanswered try", answer(400), unanswered(10min), With::many, halve, true,
       true},
      {"409 for 10 minutes, a lone record", answer(409), unanswered(10min), With::one, reject, true, true},
      {"400 without the API's JSON", answer(400, false), fresh(), With::many, retry, false, true},
      {"other 4xx without the API's JSON", answer(418, false), fresh(), With::one, retry, false, true},
      {"401", answer(401), fresh(), With::many, park_credentials, true, false},
      {"401 from a proxy", answer(401, false), fresh(), With::many, park_credentials, true, false},
      {"403", answer(403), fresh(), With::one, park_credentials, true, false},
      {"404", answer(404, false), fresh(), With::many, park_endpoint, true, false},
      {"401 after an unanswered try", answer(401), unanswered(), With::many, park_credentials, false, true},
      {"401 that may be stored for its key", replayed(), unanswered(5h), With::many, retry, false, true},
      {"401 for the first time while others may post", replayed(), unanswered(), With::others_may_post, retry,
       false, true},
      {"401 for nearly 10 minutes while others may post", replayed(), unanswered(9min + 59s),
       With::others_may_post, retry, false, true},
      {"401 for 10 minutes while others may post", replayed(), unanswered(10min), With::others_may_post,
       retry, true, true},
      {"401 for 10 minutes while others may post but GET /me does not take the key", answer(401),
       unanswered(10min), With::others_may_post, park_credentials, false, true},
      {"403 after an unanswered try", answer(403), unanswered(), With::many, park_credentials, false, true},
      {"404 after an unanswered try", answer(404), unanswered(), With::many, park_endpoint, false, true},
      {"401 for hours after an unanswered try", answer(401), unanswered(5h), With::many, park_credentials,
       false, true},
      {"404 for hours after an unanswered try", answer(404), unanswered(5h), With::many, park_endpoint, false,
       true},
      {"301", answer(301), fresh(), With::many, park_endpoint, false, false},
      {"307 after an unanswered try", answer(307), unanswered(), With::many, park_endpoint, false, true},
      {"413, many records", answer(413, false), fresh(), With::many, halve, true, false},
      {"413, a lone record", answer(413, false), fresh(), With::one, reject, true, false},
      {"413 after an unanswered try", answer(413), unanswered(), With::many, retry, false, true},
      {"413 for 10 minutes after an unanswered try", answer(413), unanswered(10min), With::many, halve, true,
       true},
      {"the disk does not give the body, for the third time", unreadable_body(), cut(2), With::many, retry,
       false, false},
      {"the files changed", changed_body(), fresh(), With::many, file_changed, false, false},
  };
  for (const auto& row : rows)
    check(row);
}

TEST_CASE("What follows a try is what the operator was told: 429") {
  using enum PostStep;
  const Row rows[] = {
      {"429", answer(429), fresh(), With::many, wait, true, false},
      {"429 after an unanswered try keeps the key", answer(429), unanswered(), With::many, wait, false, true},
      {"429 for hours after an unanswered try keeps the key", answer(429), unanswered(5h), With::many, wait,
       false, true},
      {"429 once with nothing in progress", answer(429), fresh(), With::alone, wait, true, false},
      {"429 twice with nothing in progress", answer(429), refused_alone(1), With::alone, wait, true, false},
      {"429 three times with nothing in progress", answer(429), refused_alone(2), With::alone, halve, true,
       false},
      {"429 three times, others in progress", answer(429), refused_alone(2), With::many, wait, true, false},
      {"429 three times, a lone record", answer(429), refused_alone(2), With::alone_one, wait, true, false},
      {"429 three times after an unanswered try", answer(429), refused_alone(2, true), With::alone, wait,
       false, true},
  };
  for (const auto& row : rows)
    check(row);
}

TEST_CASE("From its third 429 on a key in doubt tells nothing of the organisation's level") {
  auto history = unanswered();
  for (int refusal = 1; refusal <= 5; ++refusal) {
    const auto decision = decide(answer(429), history, context(With::many));
    CHECK(decision.set_apart == (refusal >= 3));
    CHECK_FALSE(decision.retire_key);
    history = decision.history;
  }
  // Whatever it draws between.
  history = decide(answer(503), history, context(With::many)).history;
  CHECK(decide(answer(429), history, context(With::many)).set_apart);
  history = fresh();
  for (int refusal = 1; refusal <= 5; ++refusal) {
    const auto decision = decide(answer(429), history, context(With::many));
    CHECK_FALSE(decision.set_apart);
    history = decision.history;
  }
}

TEST_CASE("What follows a try is what the operator was told: servers and networks that fail") {
  using enum PostStep;
  const Row rows[] = {
      {"no connection", failure(Progress::nothing), fresh(), With::many, retry, false, false},
      {"no connection after an unanswered try", failure(Progress::nothing), unanswered(), With::many, retry,
       false, true},
      {"connected, nothing written", failure(Progress::connected), fresh(), With::many, retry, false, false},
      {"a reset within the body", failure(Progress::body_started), fresh(), With::many, retry, false, false},
      {"a second reset", failure(Progress::body_started), cut(1), With::many, retry, false, false},
      {"a third reset, before any byte of the body", failure(Progress::head_written), cut(2), With::many,
       halve, true, false},
      {"a third connection that takes no head", failure(Progress::connected), cut(2), With::many, retry,
       false, false},
      {"a third reset", failure(Progress::body_started), cut(2), With::many, halve, true, false},
      {"many resets of a lone record", failure(Progress::body_started), cut(9), With::one, retry, false,
       false},
      {"resets after an unanswered try", failure(Progress::body_started), cut(9, true), With::many, retry,
       false, true},
      {"no answer to a whole body", failure(Progress::body_written), fresh(), With::many, retry, false, true},
      {"a truncated answer", failure(Progress::answer_started), fresh(), With::many, retry, false, true},
      {"200 without a job", answer(200), fresh(), With::many, retry, false, true},
      {"202", answer(202), fresh(), With::many, retry, false, true},
      {"408", answer(408, false), fresh(), With::many, retry, false, true},
      {"500: it may have run all the same", answer(500), fresh(), With::many, retry, false, true},
      {"501", answer(501), fresh(), With::many, retry, false, true},
      {"502", answer(502, false), fresh(), With::many, retry, false, true},
      {"503", answer(503, false), fresh(), With::many, retry, false, true},
      {"504", answer(504, false), fresh(), With::many, retry, false, true},
      {"500 again and again for all", answer(500), errors(99), With::many, retry, false, true},
      {"a fourth 500 while others pass", answer(500), errors(3), With::others_pass, retry, false, true},
      {"a fifth 500 while others pass", answer(500), errors(4), With::others_pass, rekey, false, true},
      {"a fifth 500 of a lone record while others pass", answer(500), errors(4), With::others_pass_one, rekey,
       false, true},
      {"500s again under the second key", answer(500), errors(4), With::rekeyed, halve, false, true},
      {"500s again under a lone record's second key", answer(500), errors(4), With::rekeyed_one, give_up,
       false, true},
      {"503 is no plain 500", answer(503), errors(9), With::others_pass, retry, false, true},
  };
  for (const auto& row : rows)
    check(row);
}

TEST_CASE("Without room for another abandoned key a batch tries on, and a lone record ends all the same") {
  for (const auto with : {With::others_pass, With::others_pass_one, With::rekeyed, With::rekeyed_one}) {
    auto full = context(with);
    full.may_leave_key = false;
    const auto decision = decide(answer(500), errors(99), full);
    CHECK(decision.step == (with == With::rekeyed_one ? PostStep::give_up : PostStep::retry));
  }
}

TEST_CASE("The doubt of a key lasts from its first refusal, and anew from a later try without an answer") {
  const auto many = context(With::many);
  auto history = decide(answer(400), unanswered(), many).history;
  REQUIRE(history.doubted_since == kNow);
  auto later = many;
  later.now = kNow + 9min;
  history = decide(answer(400), history, later).history;
  CHECK(history.doubted_since == kNow);
  SUBCASE("ten minutes later it is a verdict") {
    later.now = kNow + 10min;
    CHECK(decide(answer(400), history, later).step == PostStep::halve);
  }
  SUBCASE("a try without an answer may run in its turn") {
    history = decide(failure(Progress::body_written), history, later).history;
    later.now = kNow + 11min;
    const auto decision = decide(answer(400), history, later);
    CHECK(decision.step == PostStep::retry);
    CHECK(decision.history.doubted_since == later.now);
  }
  SUBCASE("being turned away at the door is no refusal of the batch") {
    history = decide(answer(429), unanswered(), many).history;
    CHECK_FALSE(history.doubted_since);
  }
}

TEST_CASE("Counts are of events in a row") {
  struct Step {
    PostTry attempt;
    unsigned cut_uploads;
    unsigned server_errors;
  };
  const Step steps[] = {
      {failure(Progress::body_started), 1, 0},
      {failure(Progress::body_started), 2, 0},
      {failure(Progress::nothing), 2, 0},
      {answer(500), 0, 1},
      {answer(500), 0, 2},
      {failure(Progress::nothing), 0, 2},
      {answer(500), 0, 3},
      {answer(503), 0, 0},
      {failure(Progress::body_started), 1, 0},
      {failure(Progress::body_written), 0, 0},
  };
  KeyHistory history;
  for (const auto& step : steps) {
    history = decide(step.attempt, history, context(With::many)).history;
    CHECK(history.cut_uploads == step.cut_uploads);
    CHECK(history.server_errors == step.server_errors);
  }
}

TEST_CASE(
    "No answer proves anything once a body went out whole and unanswered, but for a refusal of ten minutes") {
  for (unsigned status = 200; status < 600; ++status) {
    for (const bool json : {true, false}) {
      CAPTURE(status);
      CAPTURE(json);
      for (const auto with : {With::many, With::one, With::alone, With::others_pass}) {
        const auto decision = decide(answer(status, json), unanswered(), context(with));
        CHECK_FALSE(decision.retire_key);
        CHECK(decision.history.unanswered);
        CHECK(decision.step != PostStep::halve);
        CHECK(decision.step != PostStep::reject);
      }
    }
  }
}
