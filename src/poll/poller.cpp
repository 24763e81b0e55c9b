#include "usherd/poll/poller.hpp"

#include "usherd/core/backoff.hpp"
#include "usherd/core/text.hpp"

#include <algorithm>

namespace usherd {
namespace {

using namespace std::chrono_literals;

/// How long a job that is not found may still be on its way to appear.
constexpr auto kAppears = 10min;
constexpr std::uint64_t kMostStatusBytes = 256U << 10;
/// Tries at one page that answers garbage before its batch's outcome is called unreadable.
constexpr unsigned kPageTries = 20;

Milliseconds since(BootTime then, BootTime now) {
  return std::chrono::duration_cast<Milliseconds>(now - then);
}

}  // namespace

boost::asio::awaitable<ApiClient::Reply> Poller::get(Call call, std::string target, std::uint64_t most) {
  ApiRequest request;
  request.call = call;
  request.target = std::move(target);
  request.most_response_bytes = most;
  co_return co_await parts_.api.call(std::move(request));
}

bool Poller::is_overdue(BootTime started) const {
  return parts_.job_timeout > Milliseconds{0} && parts_.timers.now().boot - started >= parts_.job_timeout;
}

namespace {

/// A job that nobody has asked for yet is among the `waiting`, also when its coroutine is taken down.
class Unasked {
 public:
  Unasked(std::set<Alarm*>& waiting, Alarm& alarm) : waiting_(waiting), alarm_(alarm) {
    waiting_.insert(&alarm);
  }
  Unasked(const Unasked&) = delete;
  Unasked& operator=(const Unasked&) = delete;
  ~Unasked() { waiting_.erase(&alarm_); }

 private:
  std::set<Alarm*>& waiting_;
  Alarm& alarm_;
};

}  // namespace

boost::asio::awaitable<void> Poller::wait_first(Alarm& alarm, std::uint64_t operations) {
  const auto begun = parts_.timers.now().boot;
  auto wait = parts_.schedule.first_wait(operations);
  const Unasked unasked(unasked_, alarm);
  while (true) {
    const bool due = co_await alarm.wait_until(begun + wait);
    if (due)
      co_return;
    if (const auto sooner = parts_.schedule.sooner(operations, wait))
      wait = *sooner;
  }
}

void Poller::learn(std::uint64_t operations, Milliseconds unseen, Milliseconds total,
                   const JobAnswer& answer) {
  parts_.schedule.learn(operations, unseen, total, reported_duration(answer));
  // Those that wait by what was known before may have ended long ago, too.
  for (auto* alarm : unasked_)
    alarm->ring();
}

boost::asio::awaitable<JobSeen> Poller::follow(const ActiveBatch& batch, BootTime started) {
  const auto alarm = parts_.timers.alarm(WaitFor::poll);
  const auto operations = batch.operations();
  const auto target = "/v2/users/batch/" + percent_encode(batch.row.job);
  Backoff backoff(500ms, 60s);
  JobSeen seen;
  auto last_seen_running = started;
  unsigned polls = 0;
  std::optional<Milliseconds> wait;
  while (true) {
    if (wait)
      co_await alarm->wait_until(parts_.timers.now().boot + *wait);
    else
      co_await wait_first(*alarm, operations);
    if (batch.is_abandoned)
      co_return seen;
    if (is_overdue(started)) {
      seen.end = JobSeen::End::timed_out;
      co_return seen;
    }
    const auto reply = co_await get(Call::status, target, kMostStatusBytes);
    if (reply.stopped || batch.is_abandoned)
      co_return seen;
    const auto& exchange = reply.exchange;
    if (!exchange.failure && exchange.status == 200) {
      const auto answer = parse_job_answer(exchange.body);
      if (answer && answer->status != JobStatus::processing) {
        learn(operations, since(last_seen_running, reply.ended), since(started, reply.ended), *answer);
        seen.end = JobSeen::End::finished;
        seen.answer = *answer;
        co_return seen;
      }
      if (answer) {
        ++polls;
        backoff.reset();
        last_seen_running = reply.sent;
        wait = parts_.schedule.next_wait(operations, since(started, reply.ended), polls);
        continue;
      }
    }
    if (!exchange.failure && exchange.status == 404 && reply.ended - started >= kAppears) {
      seen.end = JobSeen::End::vanished;
      co_return seen;
    }
    wait = backoff.next(parts_.random) + 100ms;
  }
}

boost::asio::awaitable<PagesEnd> Poller::read_pages(std::string job, Call call, OnPage on_page) {
  const auto alarm = parts_.timers.alarm(WaitFor::page_again);
  const auto base = "/v2/users/batch/" + percent_encode(job) + "/" + std::string(to_string(call));
  Backoff backoff(500ms, 30s);
  PageWalk walk;
  std::string token;
  unsigned failures = 0;
  while (true) {
    const auto target = token.empty() ? base : base + "?page_token=" + percent_encode(token);
    const auto reply = co_await get(call, target, kMostResultPageBytes);
    if (reply.stopped)
      co_return PagesEnd::stopped;
    const auto& exchange = reply.exchange;
    if (!exchange.failure && exchange.status == 403)
      co_return PagesEnd::forbidden;
    if (!exchange.failure && exchange.status == 200) {
      auto parsed = parse_result_page(exchange.body);
      if (parsed) {
        const auto following = parsed->next_page_token;
        const auto taken = co_await on_page(std::move(*parsed));
        if (!taken) {
          parts_.log.error("batch results: {}", taken.error().message);
          co_return PagesEnd::unreadable;
        }
        failures = 0;
        backoff.reset();
        const auto next = walk.next(following);
        if (next == PageStep::done)
          co_return PagesEnd::complete;
        if (next == PageStep::repeated)
          co_return PagesEnd::unreadable;
        token = following;
        continue;
      }
    }
    // What the network or a crowded API does is waited out; what a page is, is not.
    const bool passing = exchange.failure ? exchange.failure->code != Errc::invalid
                                          : exchange.status == 202 || exchange.status == 429 ||
                                                exchange.status >= 500 || exchange.status == 401;
    if (!passing && ++failures >= kPageTries)
      co_return PagesEnd::unreadable;
    co_await alarm->wait_until(parts_.timers.now().boot + backoff.next(parts_.random));
  }
}

}  // namespace usherd
