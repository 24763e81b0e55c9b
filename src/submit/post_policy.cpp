#include "usherd/submit/post_policy.hpp"

#include <chrono>

namespace usherd {
namespace {

using namespace std::chrono_literals;

/// How long a refusal must last on a key with an unanswered try before it counts: the first request may still
/// run.
constexpr auto kDoubt = 10min;
constexpr unsigned kServerErrorsToRekey = 5;
constexpr unsigned kRekeysBeforeHalving = 1;
constexpr unsigned kCutUploadsToHalve = 3;
constexpr unsigned kRefusalsToHalve = 3;
constexpr unsigned kRefusalsToSetApart = 3;

bool is_redirect(unsigned status) {
  return status >= 300 && status < 400;
}

/// The request may run on behind what was heard of it: what is refused from now on may be refused because of
/// it.
void may_still_run(KeyHistory& history) {
  history.unanswered = true;
  history.doubted_since.reset();
}

/// Whether a refusal of the body proves that nothing ran under this key; notes the doubt where it does not
/// yet.
bool is_verdict(KeyHistory& history, BootTime now) {
  if (!history.unanswered)
    return true;
  if (!history.doubted_since)
    history.doubted_since = now;
  return now - *history.doubted_since >= kDoubt;
}

PostDecision after_failure(const PostTry& attempt, PostDecision decision, const PostContext& context) {
  auto& history = decision.history;
  if (attempt.progress >= Progress::body_written) {
    may_still_run(history);
    history.cut_uploads = 0;
  } else if (attempt.progress >= Progress::head_written) {
    // Also where nothing of the body was taken: what is refused by its announced length ends so.
    ++history.cut_uploads;
    // The last byte never left, so nothing can have run; a lone record is never blamed for resets.
    if (history.cut_uploads >= kCutUploadsToHalve && context.operations > 1 && !history.unanswered)
      decision = {PostStep::halve, true, history};
  }
  return decision;
}

PostDecision after_server_error(const PostTry& attempt, PostDecision decision, const PostContext& context) {
  auto& history = decision.history;
  // A server that failed may have made the job first; a gateway that gave up says nothing of what goes on
  // behind it.
  history.unanswered = true;
  if (attempt.status == 502 || attempt.status == 504)
    may_still_run(history);
  if (attempt.status != 500)
    return decision;
  ++history.server_errors;
  if (history.server_errors < kServerErrorsToRekey || !context.others_pass)
    return decision;
  if (context.rekeyed >= kRekeysBeforeHalving && context.operations == 1)
    decision.step = PostStep::give_up;
  else if (context.may_leave_key)
    decision.step = context.rekeyed < kRekeysBeforeHalving ? PostStep::rekey : PostStep::halve;
  return decision;
}

PostDecision after_busy(PostDecision decision, const PostContext& context) {
  auto& history = decision.history;
  decision.step = PostStep::wait;
  history.refusals_alone = context.nothing_in_progress ? history.refusals_alone + 1 : 0;
  if (history.unanswered) {
    // It may be the stored answer to the earlier try, for as long as the API keeps it.
    decision.set_apart = ++history.refusals_in_doubt >= kRefusalsToSetApart;
    return decision;
  }
  decision.retire_key = true;
  if (history.refusals_alone >= kRefusalsToHalve && context.operations > 1)
    decision.step = PostStep::halve;
  return decision;
}

PostDecision after_refusal(const PostTry& attempt, PostDecision decision, const PostContext& context) {
  auto& history = decision.history;
  // Being turned away at the door proves that this try did not run, and nothing of an earlier one, however
  // long it goes on.
  const bool did_not_run = !history.unanswered;
  switch (attempt.status) {
    case 401:
      if (attempt.replayed) {
        // The others need not wait for it. Only of one key in particular does a stored answer speak, and the
        // first one is what is stored (api: idempotent requests): while the API key is good for the POSTs of
        // others, an answer that lasts is the earlier try's own.
        decision.history.replays = true;
        decision.retire_key = is_verdict(decision.history, context.now) && context.others_may_post;
        return decision;
      }
      [[fallthrough]];
    case 403:
      return {PostStep::park_credentials, did_not_run, history};
    case 404:
      return {PostStep::park_endpoint, did_not_run, history};
    case 429:
      return after_busy(decision, context);
    case 413:
      if (!is_verdict(history, context.now))
        return decision;
      return {context.operations > 1 ? PostStep::halve : PostStep::reject, true, history};
    case 408:
      may_still_run(history);
      return decision;
    default:
      if (!attempt.is_api_error) {
        // Somebody between us and the API: no word of what became of the batch.
        history.unanswered = true;
        return decision;
      }
      if (!is_verdict(history, context.now))
        return decision;
      return {context.operations > 1 ? PostStep::halve : PostStep::reject, true, history};
  }
}

}  // namespace

PostDecision decide(const PostTry& attempt, const KeyHistory& history, const PostContext& context) {
  PostDecision decision{PostStep::retry, false, history};
  if (attempt.body_changed)
    return {PostStep::file_changed, false, history};
  // Neither the API nor the network cut this upload, and no smaller batch would cure it.
  if (attempt.body_unreadable)
    return decision;
  if (!attempt.answered)
    return after_failure(attempt, decision, context);
  decision.history.cut_uploads = 0;
  if (attempt.status != 500)
    decision.history.server_errors = 0;
  if (attempt.status / 100 == 2 && attempt.has_job)
    return {PostStep::accepted, false, decision.history};
  if (is_redirect(attempt.status))
    return {PostStep::park_endpoint, false, decision.history};
  if (attempt.status >= 500)
    return after_server_error(attempt, decision, context);
  if (attempt.status >= 400)
    return after_refusal(attempt, decision, context);
  // A 2xx that names no job: something may run; the same key asks again.
  decision.history.unanswered = true;
  return decision;
}

}  // namespace usherd
