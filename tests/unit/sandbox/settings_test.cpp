#include "usherd/sandbox/settings.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string_view>

using namespace usherd;
using namespace usherd::sandbox;

TEST_CASE("a settings object replaces what it names and nothing else") {
  const auto settings =
      with_json(Settings(), R"({"role":"USER","page_size":3,"job_time":"5m","nulls":"ignore"})");
  REQUIRE(settings.has_value());
  CHECK(settings->role == Role::user);
  CHECK(settings->page_size == 3);
  CHECK(settings->job_time.fixed == std::chrono::minutes(5));
  CHECK(settings->nulls == Nulls::ignore);
  CHECK(settings->burst == Settings().burst);
}

TEST_CASE("settings can be written as text, as on a command line") {
  const auto manual = with_text(Settings(), "job_time", "manual");
  REQUIRE(manual.has_value());
  CHECK(manual->job_time.manual);
  const auto timed = with_text(*manual, "job_time", "20ms");
  REQUIRE(timed.has_value());
  CHECK_FALSE(timed->job_time.manual);
  CHECK(with_text(Settings(), "max_body", "2MiB")->max_body == 2ULL << 20);
  CHECK(with_text(Settings(), "requests_per_second", "2.5")->requests_per_second == doctest::Approx(2.5));
  CHECK(with_text(Settings(), "page_loop", "true")->page_loop);
  CHECK(with_text(Settings(), "total_records_off", "-1")->total_records_off == -1);
}

TEST_CASE("a wrong setting is refused by name") {
  struct Row {
    std::string_view json;
    std::string_view named;
  };
  constexpr std::array kRows =
      std::to_array<Row>({{R"({"pagesize":3})", "pagesize"},
                          {R"({"page_size":0})", "page_size"},
                          {R"({"page_size":-1})", "page_size"},
                          {R"({"role":"KING"})", "ADMIN"},
                          {R"({"job_time":200})", "job_time"},
                          {R"({"max_body":"2GiB"})", "max_body"},
                          {R"({"other_body":200})", "other_body"},
                          {R"({"record_error_probability":1.5})", "record_error_probability"},
                          {R"({"store_users":1})", "store_users"},
                          {"[]", "object"},
                          {"{", "object"}});
  for (const Row& row : kRows) {
    CAPTURE(row.json);
    const auto settings = with_json(Settings(), row.json);
    REQUIRE_FALSE(settings.has_value());
    CHECK(settings.error().message.find(row.named) != std::string::npos);
  }
}

TEST_CASE("what settings are written as can be read again") {
  Settings settings;
  settings.job_time.manual = true;
  settings.retry_after = RetryAfter::http_date;
  settings.retention = std::chrono::hours(3);
  const auto again = with_json(Settings(), to_json(settings));
  REQUIRE(again.has_value());
  CHECK(to_json(*again) == to_json(settings));
}
