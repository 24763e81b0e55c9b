#include "usherd/sandbox/settings.hpp"

#include "src/sandbox/setting_values.hpp"
#include "usherd/core/text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace usherd::sandbox {
namespace json = boost::json;
namespace {

template <class S, class Visitor>
void visit_server(S& s, Visitor&& visit) {
  visit("role", s.role);
  visit("email", s.email);
  visit("org_id", s.org_id);
  visit("region", s.region);
  visit("base_path", s.base_path);
  visit("listening", s.listening);
  visit("certificate", s.certificate);
  visit("idle_timeout", s.idle_timeout);
  visit("answer_time", s.answer_time);
  visit("max_body", s.max_body);
  visit("over_body", s.over_body);
  visit("running_batches", s.running_batches);
  visit("in_progress_batches", s.in_progress_batches);
  visit("in_progress_operations", s.in_progress_operations);
  visit("crossing", s.crossing);
  visit("requests_per_second", s.requests_per_second);
  visit("burst", s.burst);
  visit("retry_after", s.retry_after);
  visit("retry_after_seconds", s.retry_after_seconds);
  visit("early_grace", s.early_grace);
  visit("idempotency", s.idempotency);
  visit("idempotency_life", s.idempotency_life);
  visit("other_body", s.other_body);
  visit("concurrent_key", s.concurrent_key);
}

template <class S, class Visitor>
void visit_records(S& s, Visitor&& visit) {
  visit("max_items", s.max_items);
  visit("empty_batch", s.empty_batch);
  visit("bad_records", s.bad_records);
  visit("unknown_members", s.unknown_members);
  visit("length_unit", s.length_unit);
  visit("oversized_value", s.oversized_value);
  visit("record_error_probability", s.record_error_probability);
  visit("record_error_code", s.record_error_code);
  visit("reject_uids_with", s.reject_uids_with);
  visit("job_time", s.job_time);
  visit("job_time_per_thousand", s.job_time_per_thousand);
  visit("job_time_spread", s.job_time_spread);
  visit("apply_order", s.apply_order);
  visit("retention", s.retention);
  visit("store_users", s.store_users);
  visit("merge", s.merge);
  visit("nulls", s.nulls);
}

template <class S, class Visitor>
void visit_answers(S& s, Visitor&& visit) {
  visit("page_size", s.page_size);
  visit("last_token", s.last_token);
  visit("page_loop", s.page_loop);
  visit("token_life", s.token_life);
  visit("total_records_off", s.total_records_off);
  visit("results_lag", s.results_lag);
  visit("processing_word", s.processing_word);
  visit("status_with_errors", s.status_with_errors);
  visit("processing_counts", s.processing_counts);
  visit("ended_counts", s.ended_counts);
  visit("empty_errors", s.empty_errors);
  visit("errors_listed", s.errors_listed);
  visit("omit_defaults", s.omit_defaults);
  visit("explicit_nulls", s.explicit_nulls);
  visit("extra_fields", s.extra_fields);
  visit("shuffle_fields", s.shuffle_fields);
}

template <class S, class Visitor>
void visit_settings(S& settings, Visitor&& visit) {
  visit_server(settings, visit);
  visit_records(settings, visit);
  visit_answers(settings, visit);
}

Result<void> set_one(Settings& settings, std::string_view name, const json::value& value) {
  bool known = false;
  Result<void> outcome{};
  visit_settings(settings, [&](std::string_view setting, auto& field) {
    if (setting == name) {
      known = true;
      outcome = read_value(field, value);
    }
  });
  if (!known)
    return Error{Errc::invalid, "there is no setting '" + printable(name) + "'"};
  if (!outcome)
    return outcome.error().within("setting '" + std::string(name) + "'");
  return {};
}

/// What no single value shows: combinations the server could not run with.
Result<void> sound(const Settings& settings) {
  if (settings.page_size == 0)
    return Error{Errc::invalid, "setting 'page_size': takes a number above 0"};
  if (settings.running_batches == 0)
    return Error{Errc::invalid, "setting 'running_batches': takes a number above 0"};
  if (settings.max_body > (1ULL << 30))
    return Error{Errc::invalid, "setting 'max_body': takes at most 1GiB"};
  for (const std::uint64_t status : {settings.other_body, settings.concurrent_key}) {
    if (status < 400 || status > 599)
      return Error{Errc::invalid,
                   "settings 'other_body' and 'concurrent_key': take a status from 400 to 599"};
  }
  if (settings.record_error_probability > 1)
    return Error{Errc::invalid, "setting 'record_error_probability': takes 0 to 1"};
  return {};
}

}  // namespace

Result<Settings> with_json(Settings settings, std::string_view text) {
  boost::json::error_code failure;
  const json::value parsed = json::parse(text, failure);
  if (failure || !parsed.is_object())
    return Error{Errc::invalid, "settings are one JSON object"};
  for (const auto& member : parsed.get_object()) {
    if (auto done = set_one(settings, member.key(), member.value()); !done)
      return done.error();
  }
  if (auto fine = sound(settings); !fine)
    return fine.error();
  return settings;
}

Result<Settings> with_text(Settings settings, std::string_view name, std::string_view value) {
  if (auto done = set_one(settings, name, json::value(value)); !done)
    return done.error();
  if (auto fine = sound(settings); !fine)
    return fine.error();
  return settings;
}

std::string to_json(const Settings& settings) {
  json::object object;
  visit_settings(settings, [&](std::string_view name, const auto& field) { object[name] = written(field); });
  return json::serialize(object);
}

}  // namespace usherd::sandbox
