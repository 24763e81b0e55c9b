#include "usherd/submit/submitter.hpp"

#include "src/submit/recallable_body.hpp"
#include "usherd/core/backoff.hpp"
#include "usherd/submit/batch_body.hpp"
#include "usherd/submit/job_word.hpp"
#include "usherd/submit/send_age.hpp"

#include <algorithm>
#include <utility>

namespace usherd {
namespace {

using namespace std::chrono_literals;

/// The API forgets keys after 24 hours; one hour is kept for clocks and for what is still under way.
constexpr auto kKeyLifetime = 23h;
/// A batch whose key was given up while nobody else passed: how long until the next may try its luck.
constexpr auto kLoneRekeyPace = 5min;
constexpr unsigned kLoneErrors = 8;
/// How a step ends the submission; nothing for those that go on.
std::optional<SubmitEnd> end_of(PostStep step) {
  switch (step) {
    case PostStep::halve:
      return SubmitEnd::halve;
    case PostStep::reject:
      return SubmitEnd::reject;
    case PostStep::rekey:
      return SubmitEnd::rekey;
    case PostStep::give_up:
      return SubmitEnd::give_up;
    case PostStep::file_changed:
      return SubmitEnd::file_changed;
    default:
      return std::nullopt;
  }
}

SubmitResult ended_as(SubmitEnd end) {
  SubmitResult result;
  result.end = end;
  return result;
}

/// A batch that backs off for the third time may do so for hours: others must not wait for it.
constexpr unsigned kWaitsToStepAside = 3;
constexpr Milliseconds kFirstBackoff{500};
constexpr Milliseconds kMostBackoff{60'000};

/// A batch that is among those whose last answer was a plain 500, until it leaves the coroutine that sends
/// it.
class Drawing {
 public:
  explicit Drawing(std::uint32_t& count) : count_(count) {}
  Drawing(const Drawing&) = delete;
  Drawing& operator=(const Drawing&) = delete;
  ~Drawing() { set(false); }
  void set(bool draws) {
    if (draws && !draws_)
      ++count_;
    if (!draws && draws_)
      --count_;
    draws_ = draws;
  }

 private:
  std::uint32_t& count_;
  bool draws_ = false;
};

}  // namespace

SendTime Submitter::send_time() const {
  const auto now = parts_.timers.now();
  return {now.wall, now.boot, parts_.boot_id};
}

bool Submitter::is_expired(const ActiveBatch& batch) const {
  if (!batch.row.sent || batch.never_sent())
    return false;
  return send_age(*batch.row.sent, send_time()) >= kKeyLifetime;
}

bool Submitter::others_passed(const ActiveBatch& batch) const {
  return batch.accepted_at_first_error && stats_.accepted > *batch.accepted_at_first_error;
}

/// Where nobody is left to pass, its halves tell what is to blame. A lone record is not given up for that.
bool Submitter::may_be_cut_alone(const ActiveBatch& batch) const {
  return batch.operations() > 1 && (batch.is_blamed || stats_.drawing_errors <= 1);
}

PostContext Submitter::context(const ActiveBatch& batch) const {
  const auto now = parts_.timers.now().boot;
  bool pass = others_passed(batch);
  // An API may go on replaying a stored 500 to every key after its outage ended. If all of our batches hold
  // such keys, or keys that were given up hold all places, nobody can pass: now and then one goes on as if
  // somebody had.
  if (!pass && batch.history.server_errors + 1 >= kLoneErrors &&
      (!stats_.last_lone_rekey || now - *stats_.last_lone_rekey >= kLoneRekeyPace))
    pass = batch.rekeyed_for_errors == 0 || parts_.budget.is_full_of_keys(stats_.drawing_errors) ||
           may_be_cut_alone(batch);
  PostContext context;
  context.now = now;
  context.operations = batch.operations();
  context.rekeyed = batch.rekeyed_for_errors;
  context.others_pass = pass;
  context.others_may_post =
      batch.accepted_at_first_replay && stats_.accepted > *batch.accepted_at_first_replay;
  // A batch that is too large for the API must not stay whole for what was given up, or may never have begun.
  const auto& budget = parts_.budget;
  const auto apart = budget.keys() + budget.batches_set_apart();
  context.nothing_in_progress = budget.batches() <= apart + (batch.is_set_apart ? 0 : 1);
  return context;
}

std::uint64_t Submitter::pieces_due(const ActiveBatch& batch) const {
  const auto pieces_of = [](std::uint64_t whole, std::uint64_t most) {
    return whole == 0 ? 1 : (whole - 1) / std::max<std::uint64_t>(1, most) + 1;
  };
  const auto operations = batch.operations();
  const auto most = std::min<std::uint64_t>(size_.records, parts_.budget.limit_operations());
  const auto pieces = std::max(pieces_of(operations, most), pieces_of(batch.row.body_length, size_.bytes));
  return std::min(pieces, std::max<std::uint64_t>(1, operations));
}

boost::asio::awaitable<Result<void>> Submitter::before_send(ActiveBatch& batch) {
  // Its users may be in newer batches by now.
  if (batch.is_abandoned)
    co_return Error{Errc::cancelled, "its job was given up"};
  // The gate may have been closed for long: what the API has forgotten it would run again.
  if (is_expired(batch))
    co_return Error{Errc::timeout, "the key is too old"};
  if (batch.row.sent && !batch.never_sent())
    co_return Result<void>{};
  if (parts_.budget.must_give_way(batch.operations()) || pieces_due(batch) > 1)
    co_return Error{Errc::unavailable, "the limits fell below it, or below what is in progress"};
  const auto sent = send_time();
  const auto id = batch.row.id;
  // A send time that was noted a moment ago with the batch itself is as good.
  const bool fresh =
      batch.row.sent && batch.row.sent->boot_id == sent.boot_id && sent.boot - batch.row.sent->boot < 10s;
  if (!fresh) {
    GroupCommit::Change change = [id, sent](Ledger& ledger) { return ledger.set_sent(id, sent); };
    const bool done = co_await parts_.recorder.record(std::move(change));
    if (!done)
      co_return Error{Errc::cancelled, "stopping"};
    batch.row.sent = sent;
  }
  co_return Result<void>{};
}

boost::asio::awaitable<Submitter::Attempt> Submitter::attempt(ActiveBatch& batch) {
  batch.pack();
  auto paths = parts_.files.paths(batch.shares, batch.row.id);
  BatchBody body(
      parts_.workers,
      BodyReader(parts_.disk, batch.packed, std::move(paths), batch.row.framing, nullptr, batch.sums),
      batch.row.body_length, batch.row.digest, std::move(batch.kept));
  RecallableBody recallable(batch, body);
  ApiRequest request;
  request.call = Call::create;
  request.method = Method::post;
  request.target = "/v2/users/batch";
  request.idempotency_key = batch.row.key;
  request.body = &recallable;
  request.may_be_replayed = batch.history.unanswered;
  request.is_its_own = [&jobs = parts_.api.jobs(), id = batch.row.id](const std::string& answer) {
    const auto job = parse_created_job(answer);
    return !job || !jobs.is_of_another(job->id, id);
  };
  request.before_send = [this, &batch] { return before_send(batch); };
  request.sending = [&batch] { batch.tried = batch.begun = true; };
  Attempt attempt;
  attempt.reply = co_await parts_.api.call(std::move(request));
  if (attempt.reply.stopped || attempt.reply.not_sent)
    co_return attempt;
  const Exchange& exchange = attempt.reply.exchange;
  attempt.outcome.progress = exchange.progress;
  attempt.outcome.answered = !exchange.failure.has_value();
  attempt.outcome.body_changed = exchange.body_failed && is_gone(*exchange.failure);
  attempt.outcome.body_unreadable = exchange.body_failed && !attempt.outcome.body_changed;
  attempt.outcome.status = exchange.status;
  attempt.outcome.replayed = attempt.reply.replayed;
  if (attempt.outcome.answered && exchange.status / 100 == 2) {
    attempt.job = parse_created_job(exchange.body);
    attempt.outcome.has_job = attempt.job.has_value();
    if (attempt.job)
      parts_.api.jobs().add(attempt.job->id, batch.row.id);
  } else if (attempt.outcome.answered) {
    attempt.error = parse_api_error(exchange.body);
    attempt.outcome.is_api_error = attempt.error.has_value();
  }
  co_return attempt;
}

void Submitter::note_try(const PostTry& tried, ActiveBatch& batch) const {
  const bool untouched = !tried.answered && tried.progress < Progress::body_started;
  if (untouched && !batch.history.unanswered && batch.history.cut_uploads == 0) {
    // Nothing of the body left: the key has not begun to age.
    batch.row.sent.reset();
    batch.tried = false;
    batch.begun = false;
  }
  if (tried.answered && tried.status == 500 && !batch.accepted_at_first_error)
    batch.accepted_at_first_error = stats_.accepted;
  if (tried.replayed && !batch.accepted_at_first_replay)
    batch.accepted_at_first_replay = stats_.accepted;
}

std::string Submitter::Attempt::code() const {
  if (error)
    return error->code.empty() ? "unspecified" : error->code;
  return outcome.answered ? "http_" + std::to_string(outcome.status) : "";
}

std::optional<SubmitEnd> Submitter::end_unsent(const Attempt& tried) {
  if (tried.reply.not_sent && tried.reply.not_sent->code == Errc::unavailable)
    return SubmitEnd::gives_way;
  if (tried.reply.stopped || tried.reply.not_sent)
    return SubmitEnd::stopped;
  return std::nullopt;
}

SubmitResult Submitter::result_of(SubmitEnd end, const Attempt& tried, bool key_may_run) {
  auto result = ended_as(end);
  result.key_may_run = key_may_run;
  result.code = tried.code();
  if (tried.error)
    result.message = tried.error->message;
  return result;
}

/// What the submission of one batch has come to.
struct Submitter::Posting {
  Drawing drawing;
  std::unique_ptr<Alarm> alarm;
  Hooks hooks;
  Backoff backoff{kFirstBackoff, kMostBackoff};
  unsigned waits = 0;
};

boost::asio::awaitable<SubmitResult> Submitter::submit(ActiveBatch& batch, Hooks hooks) {
  Posting posting{Drawing(stats_.drawing_errors), parts_.timers.alarm(WaitFor::post_again), std::move(hooks)};
  auto result = co_await post_until_decided(batch, posting);
  if (result.end != SubmitEnd::gives_way)
    parts_.recovery.end_post(batch);
  parts_.recovery.count_in(batch);
  co_return result;
}

boost::asio::awaitable<SubmitResult> Submitter::post_until_decided(ActiveBatch& batch, Posting& posting) {
  // A body that may have left before a restart has had a try without an answer.
  batch.history.unanswered = batch.history.unanswered || (batch.row.sent.has_value() && !batch.tried);
  while (true) {
    if (is_expired(batch))
      co_return ended_as(SubmitEnd::expired);
    parts_.recovery.begin_post(batch);
    const auto tried = co_await attempt(batch);
    if (tried.reply.not_sent && tried.reply.not_sent->code == Errc::timeout)
      continue;
    if (const auto unsent = end_unsent(tried))
      co_return ended_as(*unsent);
    const bool had_send_time = batch.row.sent.has_value();
    note_try(tried.outcome, batch);
    note_unreadable(tried, batch);
    if (batch.is_unreadable && batch.never_sent()) {
      auto result = ended_as(SubmitEnd::unreadable);
      result.pause = batch.unread.next(parts_.random);
      co_return result;
    }
    posting.drawing.set(tried.outcome.answered && tried.outcome.status == 500);
    auto circumstances = context(batch);
    circumstances.may_leave_key = !posting.hooks.may_leave_key || posting.hooks.may_leave_key(batch);
    const auto decision = decide(tried.outcome, batch.history, circumstances);
    note_replays(tried, decision, batch);
    batch.history = decision.history;
    if (decision.step == PostStep::accepted) {
      const bool durable = co_await accept(batch, *tried.job, parts_.timers.now().wall);
      co_return ended_as(durable ? SubmitEnd::accepted : SubmitEnd::stopped);
    }
    if (decision.set_apart)
      parts_.recovery.set_apart(batch);
    else if (tried.outcome.answered && tried.outcome.status == 429)
      parts_.recovery.refused(batch);
    if (const auto end = end_of(decision.step)) {
      note_end(*end, tried, batch);
      const bool noted = co_await note_parked();
      co_return noted ? result_of(*end, tried, !decision.retire_key) : SubmitResult{};
    }
    const bool durable = co_await record_key(batch, decision.retire_key, had_send_time);
    if (!durable)
      co_return SubmitResult{};
    // With a new key the gate alone says how long: by Retry-After or a park reason.
    if (decision.step != PostStep::retry && decision.retire_key)
      continue;
    parts_.recovery.end_post(batch);
    const bool goes_again = co_await back_off(batch, tried.outcome, posting);
    if (!goes_again)
      co_return SubmitResult{};
  }
}

/// What the ledger must know of the key before it is used again.
boost::asio::awaitable<bool> Submitter::record_key(ActiveBatch& batch, bool retire, bool had_send_time) {
  if (retire)
    co_return co_await new_key(batch, "");
  if (!had_send_time || batch.row.sent)
    co_return true;
  // Whoever finds it in the ledger after a crash would believe that something left.
  GroupCommit::Change change = [id = batch.row.id](Ledger& ledger) {
    return ledger.set_sent(id, std::nullopt);
  };
  co_return co_await parts_.recorder.record(std::move(change));
}

boost::asio::awaitable<bool> Submitter::back_off(ActiveBatch& batch, const PostTry& tried, Posting& posting) {
  if (++posting.waits == kWaitsToStepAside && posting.hooks.steps_aside)
    posting.hooks.steps_aside();
  const auto again = goes_again_at(batch) + posting.backoff.next(parts_.random);
  const bool stands = posting.waits >= kWaitsToStepAside && posting.hooks.stands_back && batch.has_place &&
                      !batch.is_set_apart && tried.status == 500 &&
                      parts_.budget.is_full_of_keys(stats_.drawing_errors);
  if (!stands) {
    co_await posting.alarm->wait_until(again);
    co_return true;
  }
  posting.drawing.set(false);
  co_return co_await posting.hooks.stands_back(batch, again);
}

/// What its backoff is added to: where a batch draws a Retry-After again and again that holds everybody, the
/// others get as long afterwards.
BootTime Submitter::goes_again_at(const ActiveBatch& batch) const {
  const auto now = parts_.timers.now().boot;
  const auto held = parts_.api.gate().held_until() - now;
  return batch.is_set_apart && held > held.zero() ? now + 2 * held : now;
}

boost::asio::awaitable<Result<JobAnswer>> Submitter::repost(ActiveBatch& batch) {
  if (is_expired(batch))
    co_return Error{Errc::not_found, "the API has forgotten the key"};
  // Its job proves that it was sent: the time of that stands.
  batch.tried = true;
  batch.begun = true;
  const auto tried = co_await attempt(batch);
  if (tried.reply.not_sent && tried.reply.not_sent->code == Errc::timeout)
    co_return Error{Errc::not_found, "the API has forgotten the key"};
  if (tried.reply.stopped || tried.reply.not_sent || batch.is_abandoned)
    co_return Error{Errc::cancelled, "stopping, or given up"};
  const auto& outcome = tried.outcome;
  if (outcome.body_changed)
    co_return Error{Errc::corrupt, "the body on disk is not the one that was sent"};
  if (outcome.answered && outcome.is_api_error &&
      (outcome.status == 400 || outcome.status == 413 || outcome.status == 422))
    co_return Error{Errc::invalid, "the API refuses the body that it took before"};
  const bool unheard = word_without_job(Call::create, tried.reply.exchange) == JobWord::none;
  if (!outcome.has_job)
    co_return Error{unheard ? Errc::timeout : Errc::unavailable, "no job named"};
  co_return tried.job;
}

}  // namespace usherd
