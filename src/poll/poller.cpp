#include "usherd/poll/poller.hpp"

#include "usherd/core/backoff.hpp"
#include "usherd/core/text.hpp"
#include "usherd/poll/job_patience.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace usherd {
namespace {

using namespace std::chrono_literals;

/// How long a job that is not found may still be on its way to appear.
constexpr auto kAppears = 10min;
constexpr std::uint64_t kMostStatusBytes = 256U << 10;
/// Tries at one page that answers garbage before its batch's outcome is called unreadable.
constexpr unsigned kPageTries = 20;
/// The same for one that is too large, which it will be again.
constexpr unsigned kLargePageTries = 2;

}  // namespace

boost::asio::awaitable<ApiClient::Reply> Poller::get(Call call, std::string target, std::uint64_t most) {
  ApiRequest request;
  request.call = call;
  request.target = std::move(target);
  request.most_response_bytes = most;
  co_return co_await parts_.api.call(std::move(request));
}

boost::asio::awaitable<ApiClient::Reply> Poller::ask(const ActiveBatch& batch) {
  ApiRequest request;
  request.call = Call::status;
  request.target = "/v2/users/batch/" + percent_encode(batch.row.job);
  request.most_response_bytes = kMostStatusBytes;
  request.is_its_own = [&jobs = parts_.api.jobs(), id = batch.row.id](const std::string& body) {
    const auto answer = parse_job_answer(body);
    return !answer || !jobs.is_of_another(answer->id, id);
  };
  co_return co_await parts_.api.call(std::move(request));
}

namespace {

/// A job that waits for its next poll is among the `waiting`, also when its coroutine is taken down.
class Waiting {
 public:
  Waiting(std::list<Alarm*>& waiting, Alarm& alarm)
      : waiting_(waiting), place_(waiting.insert(waiting.end(), &alarm)) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { waiting_.erase(place_); }

 private:
  std::list<Alarm*>& waiting_;
  std::list<Alarm*>::iterator place_;
};

std::optional<JobAnswer> job_in(const Exchange& exchange) {
  if (exchange.failure || exchange.status != 200)
    return std::nullopt;
  const auto answer = parse_job_answer(exchange.body);
  return answer ? std::optional(*answer) : std::nullopt;
}

}  // namespace

boost::asio::awaitable<void> Poller::wait_due(Alarm& alarm, const PollSchedule::Job& job, BootTime earliest) {
  const Waiting waiting(waiting_, alarm);
  while (true) {
    const bool due = co_await alarm.wait_until(std::max(earliest, job.due()));
    if (due)
      co_return;
  }
}

void Poller::plan_anew() {
  if (!parts_.schedule.has_moved())
    return;
  for (auto* alarm : waiting_)
    alarm->ring();
}

boost::asio::awaitable<JobSeen> Poller::follow(const ActiveBatch& batch, BootTime started) {
  const auto alarm = parts_.timers.alarm(WaitFor::poll);
  parts_.api.jobs().add(batch.row.job, batch.row.id);
  PollSchedule::Job job(parts_.schedule, batch.operations(), started);
  Backoff backoff(500ms, 60s);
  JobPatience patience(started);
  JobSeen seen;
  auto earliest = started;
  while (true) {
    co_await wait_due(*alarm, job, earliest);
    if (batch.is_abandoned)
      co_return seen;
    const auto reply = co_await ask(batch);
    if (reply.stopped || batch.is_abandoned)
      co_return seen;
    const auto& exchange = reply.exchange;
    const auto answer = job_in(exchange);
    if (answer && answer->status != JobStatus::processing) {
      job.ended(reply.ended, reported_duration(*answer));
      plan_anew();
      seen.end = JobSeen::End::finished;
      seen.answer = *answer;
      co_return seen;
    }
    const bool missing = !exchange.failure && exchange.status == 404;
    if (missing && reply.ended - started >= kAppears) {
      seen.end = JobSeen::End::vanished;
      co_return seen;
    }
    const auto word = answer || missing ? JobWord::goes_on : word_without_job(Call::status, exchange);
    if (patience.ends(word, parts_.job_timeout, reply.ended)) {
      seen.end = JobSeen::End::timed_out;
      co_return seen;
    }
    if (answer) {
      backoff.reset();
      earliest = started;
      job.goes_on(reply.sent);
      plan_anew();
    } else {
      earliest = parts_.timers.now().boot + backoff.next(parts_.random) + 100ms;
    }
  }
}

namespace {

/// What the network or a crowded API does is waited out; what a page is, is not.
bool is_passing(const Exchange& exchange) {
  if (exchange.failure)
    return !exchange.is_garbage();
  const auto status = exchange.status;
  const bool misled = status / 100 == 3;
  return misled || status == 202 || status == 401 || status == 408 || status == 429 || status >= 500;
}

bool is_too_large(const Exchange& exchange) {
  return exchange.failure && exchange.failure->code == Errc::too_large;
}

unsigned tries_at(const Exchange& exchange) {
  return is_too_large(exchange) ? kLargePageTries : kPageTries;
}

std::string what_came(const Exchange& exchange) {
  return exchange.failure ? exchange.failure->message : fmt::format("HTTP {}", exchange.status);
}

}  // namespace

boost::asio::awaitable<PagesRead> Poller::read_pages(const ActiveBatch& batch, BootTime started, Call call,
                                                     OnPage on_page) {
  const auto alarm = parts_.timers.alarm(WaitFor::page_again);
  const auto base = "/v2/users/batch/" + percent_encode(batch.row.job) + "/" + std::string(to_string(call));
  Backoff backoff(500ms, 30s);
  JobPatience patience(started);
  PageWalk walk;
  std::string token;
  unsigned failures = 0;
  // A long page is held alone: it takes the places of all. Which ones are long only the answer tells.
  const auto longest = most_page_bytes(batch.row.body_length, batch.operations());
  bool is_long = false;
  while (true) {
    const std::size_t places = is_long ? kPagesAtOnce : 1;
    const auto most = is_long ? longest : kMostResultPageBytes;
    co_await pages_.acquire(places);
    SemaphorePlace place(pages_, places);
    if (batch.is_abandoned)
      co_return PagesRead{};
    const auto target = token.empty() ? base : base + "?page_token=" + percent_encode(token);
    auto reply = co_await get(call, target, most);
    if (reply.stopped || batch.is_abandoned)
      co_return PagesRead{};
    auto& exchange = reply.exchange;
    if (!exchange.failure && exchange.status == 403)
      co_return PagesRead{PagesEnd::forbidden, {}};
    auto why = what_came(exchange);
    if (!exchange.failure && exchange.status == 200) {
      auto parsed = parse_result_page(std::move(exchange.body), most);
      if (parsed) {
        const auto following = parsed->next_page_token;
        const bool was_long = parsed->bytes() > kMostResultPageBytes;
        PageAtHand at_hand{std::move(*parsed), std::move(place)};
        const auto taken = co_await on_page(std::move(at_hand));
        if (!taken && taken.error().code == Errc::cancelled)
          co_return PagesRead{};
        if (!taken && taken.error().code == Errc::unavailable)
          continue;
        if (!taken) {
          parts_.log.error("batch results: {}", taken.error().message);
          co_return PagesRead{PagesEnd::unreadable, taken.error().message};
        }
        failures = 0;
        backoff.reset();
        patience = JobPatience(started);
        const auto next = walk.next(following);
        if (next == PageStep::done || next == PageStep::repeated)
          co_return PagesRead{PagesEnd::complete, {}};
        if (next == PageStep::too_many)
          co_return PagesRead{PagesEnd::unreadable, fmt::format("more than {} pages", PageWalk::kMostPages)};
        token = following;
        is_long = was_long;
        continue;
      }
      why = parsed.error().message;
    }
    place.release();
    if (is_too_large(exchange) && !is_long && longest > most) {
      is_long = true;
      continue;
    }
    if (!is_passing(exchange) && ++failures >= tries_at(exchange))
      co_return PagesRead{token.empty() ? PagesEnd::unreadable : PagesEnd::stale, std::move(why)};
    if (patience.ends(word_without_job(call, exchange), parts_.job_timeout, reply.ended))
      co_return PagesRead{PagesEnd::timed_out, {}};
    co_await alarm->wait_until(parts_.timers.now().boot + backoff.next(parts_.random));
    if (batch.is_abandoned)
      co_return PagesRead{};
  }
}

}  // namespace usherd
