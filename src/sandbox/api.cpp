#include "src/sandbox/api.hpp"

#include "src/sandbox/retry_after.hpp"
#include "src/sandbox/setting_words.hpp"

#include <fmt/format.h>
#include <xxhash.h>

namespace usherd::sandbox {
namespace {

bool needs_reader(Call call) {
  switch (call) {
    case Call::imports:
    case Call::errors:
    case Call::user_get:
    case Call::user_list:
    case Call::user_delete:
      return true;
    default:
      return false;
  }
}

/// Whether a batch body holds a record of that uid; false for whatever is no batch.
bool holds_uid(BodyParser& parser, std::string& body, std::string_view uid) {
  const auto document = parser.parse(body);
  if (!document)
    return false;
  const auto requests = requests_of(*document);
  if (!requests)
    return false;
  for (const simdjson::dom::element record : *requests) {
    std::string_view found;
    if (record.is_object() && record["uid"].get(found) == simdjson::SUCCESS && found == uid)
      return true;
  }
  return false;
}

}  // namespace

std::optional<FaultRule> Api::arrival_fault(Call call) {
  return org_.faults.pick(FaultMoment::arrival, call, org_.random);
}

ApiAnswer Api::answer(ApiRequest& request, WallTime now) {
  org_.tick(now);
  ApiAnswer answer = guarded(request, now);
  const bool silent = answer.arrival && moment_of(*answer.arrival) == FaultMoment::arrival &&
                      answer.arrival->action <= FaultAction::hang;
  org_.answered(request.route.call, silent ? 0 : answer.status);
  answer.delay = std::max(answer.delay, org_.settings.answer_time);
  return answer;
}

ApiAnswer Api::guarded(ApiRequest& request, WallTime now) {
  const Settings& settings = org_.settings;
  if (!org_.access.allows(request.authorization, settings.region))
    return error_answer(401, "unauthorized", "The API key is missing, wrong or revoked");
  if (!org_.limiter.allow(now, settings.requests_per_second, settings.burst))
    return too_many("Too many requests", now);
  if (settings.role == Role::user && needs_reader(request.route.call))
    return error_answer(403, "forbidden", "The API key may not view or delete data");
  if (request.route.call == Call::other)
    return error_answer(404, "resource_not_found", "No such resource");
  return keyed(request, now);
}

ApiAnswer Api::too_many(std::string_view message, WallTime now) {
  ApiAnswer answer = error_answer(429, "too_many_requests", message);
  const auto header = retry_after_header(org_.settings.retry_after, org_.settings.retry_after_seconds, now);
  if (header)
    answer.headers.emplace_back("Retry-After", *header);
  return answer;
}

ApiAnswer Api::keyed(ApiRequest& request, WallTime now) {
  const Call call = request.route.call;
  const bool takes_key = call == Call::create || call == Call::user_create;
  const std::string key = takes_key ? request.idempotency_key : std::string();
  const std::uint64_t digest = XXH3_64bits(request.body.data(), request.body.size());
  if (call == Call::create)
    org_.posted(key, digest);
  FaultTable::HoldsUid holds;
  if (call == Call::create && org_.faults.wants_uids())
    holds = [&](std::string_view uid) { return holds_uid(org_.parser, request.body, uid); };
  if (holds) {
    if (auto fault = org_.faults.pick(FaultMoment::arrival, call, org_.random, holds, true)) {
      ApiAnswer struck = fault_answer(*fault);
      struck.arrival = std::move(fault);
      return struck;
    }
  }
  auto spoil = org_.faults.pick(FaultMoment::answer, call, org_.random, holds);
  ApiAnswer answer;
  const auto decision =
      key.empty() ? KeyStore::Decision() : org_.kept_answers.begin(key, digest, now, org_.settings);
  switch (decision.verdict) {
    case KeyVerdict::replay:
      answer.status = decision.answer.status;
      answer.body = decision.answer.body;
      break;
    case KeyVerdict::other_body:
      answer = error_answer(static_cast<unsigned>(org_.settings.other_body), "idempotency_key_reused",
                            "The Idempotency-Key was used with another request body");
      break;
    case KeyVerdict::in_use:
      answer = error_answer(static_cast<unsigned>(org_.settings.concurrent_key), "idempotency_key_in_use",
                            "A request with this Idempotency-Key is being processed");
      break;
    case KeyVerdict::execute:
      answer = executed(request, digest, now);
      break;
  }
  if (spoil)
    answer.spoil = std::move(spoil);
  return answer;
}

ApiAnswer Api::executed(ApiRequest& request, std::uint64_t digest, WallTime now) {
  const Call call = request.route.call;
  FaultTable::HoldsUid holds;
  if (call == Call::create && org_.faults.wants_uids())
    holds = [&](std::string_view uid) { return holds_uid(org_.parser, request.body, uid); };
  const auto fault = org_.faults.pick(FaultMoment::execution, call, org_.random, holds);
  ApiAnswer answer;
  if (fault && fault->action == FaultAction::status) {
    answer = fault_answer(*fault);
  } else {
    answer = call == Call::create ? create(request, digest, fault, now) : routed(request, now);
    if (fault && fault->action == FaultAction::delay)
      answer.delay = fault->delay;
  }
  const bool takes_key = call == Call::create || call == Call::user_create;
  if (takes_key && !request.idempotency_key.empty()) {
    KeptAnswer kept;
    kept.status = answer.status;
    kept.body = answer.body;
    const auto delay = std::max(answer.delay, org_.settings.answer_time);
    org_.kept_answers.finish(request.idempotency_key, digest, std::move(kept), now, now + delay,
                             org_.settings);
  }
  return answer;
}

ApiAnswer Api::routed(ApiRequest& request, WallTime now) {
  switch (request.route.call) {
    case Call::status:
      return status(request);
    case Call::imports:
      return imports(request, now);
    case Call::errors:
      return errors(request, now);
    case Call::me:
      return me();
    case Call::user_create:
    case Call::user_update:
      return user_write(request);
    case Call::user_get:
      return user_get(request);
    case Call::user_list:
      return user_list(request);
    case Call::user_delete:
      return user_delete(request);
    case Call::create:
    case Call::other:
      break;
  }
  return error_answer(404, "resource_not_found", "No such resource");
}

ApiAnswer Api::me() {
  ApiAnswer answer;
  answer.body = fields()
                    .text("email", org_.settings.email)
                    .text("orgId", org_.settings.org_id)
                    .text("role", word(org_.settings.role))
                    .str();
  return answer;
}

}  // namespace usherd::sandbox
