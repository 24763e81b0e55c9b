#include "usherd/submit/api_client.hpp"

#include "src/submit/noted_exchange.hpp"
#include "usherd/core/log_event.hpp"
#include "usherd/core/secret.hpp"
#include "usherd/core/text.hpp"
#include "usherd/submit/api_answer.hpp"
#include "usherd/submit/no_answer.hpp"

#include <algorithm>
#include <array>

namespace usherd {
namespace {

/// What a 429 without a usable Retry-After waits: doubling, as nobody says how long.
Milliseconds wait_without_word(unsigned refusals) {
  constexpr Milliseconds kFirst{1000};
  constexpr Milliseconds kMost{60'000};
  return std::min<Milliseconds>(kMost, kFirst * (1LL << std::min(refusals, 6U)));
}

/// The shortest wait after a 429, whatever the answer says: a Retry-After of 0 is no leave to hammer.
constexpr Milliseconds kLeastWait{100};

/// Notes an exchange for as long as it lives, also when it ends by cancellation.
class InFlight {
 public:
  InFlight(std::list<Connection*>& all, Connection& one, const std::function<void()>& quiet)
      : all_(all), place_(all.insert(all.end(), &one)), quiet_(quiet) {}
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  ~InFlight() {
    all_.erase(place_);
    if (all_.empty() && quiet_)
      quiet_();
  }

 private:
  std::list<Connection*>& all_;
  std::list<Connection*>::iterator place_;
  const std::function<void()>& quiet_;
};

CallKind kind_of(Call call) {
  if (call == Call::create)
    return CallKind::post;
  return call == Call::me ? CallKind::identity : CallKind::read;
}

}  // namespace

std::string_view to_string(Call call) {
  constexpr std::array<std::string_view, 5> names{"create", "status", "imports", "errors", "me"};
  return names[static_cast<std::size_t>(call)];
}

ApiClient::ApiClient(Options options, RequestGate& gate, SessionPool& sessions, Timers& timers, Log& log)
    : options_(std::move(options)), gate_(gate), sessions_(sessions), timers_(timers), log_(log) {}

boost::asio::awaitable<ApiClient::Reply> ApiClient::call(ApiRequest request) {
  while (true) {
    const auto admission = co_await gate_.admit(kind_of(request.call));
    if (!admission.open)
      co_return Reply::none();
    auto session = co_await sessions_.acquire();
    auto reply = co_await try_once(session.connection(), request, admission);
    if (reply)
      co_return std::move(*reply);
  }
}

boost::asio::awaitable<std::optional<ApiClient::Reply>> ApiClient::try_once(Connection& connection,
                                                                            const ApiRequest& request,
                                                                            const Admission& admission) {
  const auto kind = kind_of(request.call);
  if (admission.probes)
    options_.reread_key();
  if (must_wait(kind, admission))
    co_return std::nullopt;
  std::optional<KeyWord> word;
  if (admission.probes == ParkReason::credentials && request.call != Call::me) {
    word = co_await ask_me(connection);
    if (word == KeyWord::refused)
      gate_.park(ParkReason::credentials);
    else if (word == KeyWord::later)
      gate_.probe_ended();
    if (word == KeyWord::refused || word == KeyWord::later)
      co_return std::nullopt;
  }
  const bool leaves = co_await gate_.depart();
  if (!leaves)
    co_return Reply::none();
  if (must_wait(kind, admission))
    co_return std::nullopt;
  Reply reply;
  if (request.before_send) {
    const auto turn = co_await make_ready(connection, request, admission, reply);
    if (turn == Turn::ended)
      co_return reply;
    if (turn == Turn::again || must_wait(kind, admission))
      co_return std::nullopt;
  }
  // A handshake may have taken its time.
  const auto may_leave = [&] {
    const bool free = !must_wait(kind, admission);
    if (free && request.sending)
      request.sending();
    return free;
  };
  reply.sent = timers_.now().boot;
  reply.exchange = co_await exchange(connection, request, may_leave);
  if (reply.exchange.held_back)
    co_return std::nullopt;
  reply.ended = timers_.now().boot;
  reply.replayed = co_await is_replay(connection, request, reply.exchange, word);
  note(request, admission, reply);
  // Whatever it found out: nobody else is let out before the probe has ended.
  if (admission.probes)
    gate_.probe_ended();
  co_return reply;
}

/// What before_send notes is wrong where no connection comes about, and costs a commit each time: the
/// connection comes first.
boost::asio::awaitable<ApiClient::Turn> ApiClient::make_ready(Connection& connection,
                                                              const ApiRequest& request,
                                                              const Admission& admission, Reply& reply) {
  if (!connection.is_open()) {
    reply.sent = timers_.now().boot;
    reply.exchange = co_await exchange(connection, request, [] { return false; });
    if (!reply.exchange.held_back) {
      reply.ended = timers_.now().boot;
      note(request, admission, reply);
      co_return Turn::ended;
    }
    if (must_wait(kind_of(request.call), admission))
      co_return Turn::again;
  }
  const auto ready = co_await request.before_send();
  if (ready)
    co_return Turn::goes;
  if (admission.probes)
    gate_.probe_ended();
  reply.not_sent = ready.error();
  co_return Turn::ended;
}

/// What was admitted may have become wrong since, for a probe as well: a key that was read anew may be
/// somebody else's.
bool ApiClient::must_wait(CallKind kind, const Admission& admission) {
  if (!gate_.closed_for(kind, admission))
    return false;
  gate_.give_back(admission);
  return true;
}

boost::asio::awaitable<Exchange> ApiClient::exchange(Connection& connection, const ApiRequest& request,
                                                     std::function<bool()> may_leave) {
  Request http;
  http.method = request.method;
  http.target = request.target;
  const auto authorization = options_.authorization();
  http.headers.push_back(Header{"Authorization", authorization});
  http.headers.push_back(Header{"Accept", "application/json"});
  if (request.body != nullptr)
    http.headers.push_back(Header{"Content-Type", "application/json"});
  if (!request.idempotency_key.empty())
    http.headers.push_back(Header{"Idempotency-Key", request.idempotency_key});
  http.body = request.body;
  http.most_response_bytes = request.most_response_bytes;
  http.may_leave = std::move(may_leave);
  const auto start = timers_.now().boot;
  if (!dials_ && !connection.is_open()) {
    Exchange stopped;
    stopped.failure = Error{Errc::cancelled, "stopping"};
    co_return stopped;
  }
  const InFlight counted(under_way_, connection, quiet_);
  std::optional<NotedExchange> noted;
  if (options_.waits != nullptr) {
    std::optional<BootClock::duration> limit;
    // Asked once: the connection keeps the timeouts that held at the begin, whatever a reload brings.
    if (options_.longest_exchange)
      limit = options_.longest_exchange();
    auto due = [this, limit] { return limit ? timers_.now().boot + *limit : kNever; };
    noted.emplace(*options_.waits, std::move(due), request.body);
    http.body = noted->body();
  }
  auto answer = co_await connection.exchange(std::move(http));
  if (answer.held_back)
    co_return answer;
  if (!answer.failure && answer.status / 100 == 2 && request.is_its_own && !request.is_its_own(answer.body)) {
    connection.close();
    answer.failure = Error{Errc::unavailable, "an answer that belongs to another request"};
  }
  // Of these a code and a message are kept and shown; a job id must stay what it is.
  if (answer.status / 100 != 2 || request.call == Call::errors)
    conceal(answer.body, std::string_view(authorization).substr(authorization.find(' ') + 1));
  if (options_.on_answer)
    options_.on_answer(request, answer, timers_.now().boot - start);
  watch(request.call, answer);
  co_return answer;
}

boost::asio::awaitable<ApiClient::KeyWord> ApiClient::ask_me(Connection& connection) {
  const bool leaves = co_await gate_.depart();
  if (!leaves)
    co_return KeyWord::later;
  ApiRequest me;
  me.call = Call::me;
  me.target = "/me";
  const auto answer = co_await exchange(connection, me);
  if (!answer.failure && answer.status == 429) {
    obey_retry_after(answer);
    co_return KeyWord::later;
  }
  if (!answer.failure && answer.status == 401)
    co_return KeyWord::refused;
  // Anything but a clear word lets the real request find out.
  co_return !answer.failure && answer.status == 200 ? KeyWord::good : KeyWord::unclear;
}

boost::asio::awaitable<bool> ApiClient::is_replay(Connection& connection, const ApiRequest& request,
                                                  const Exchange& exchange, std::optional<KeyWord> word) {
  const bool refused = !exchange.failure && exchange.status == 401;
  if (!refused || !request.may_be_replayed)
    co_return false;
  // Asked before anybody is parked: the probe that would end it is rarely a POST of this very key.
  if (!word && !gate_.parking().holds(ParkReason::credentials))
    word = co_await ask_me(connection);
  co_return word == KeyWord::good;
}

void ApiClient::note(const ApiRequest& request, const Admission& admission, const Reply& reply) {
  const Exchange& exchange = reply.exchange;
  if (exchange.failure) {
    log_.debug("{} {}: {}", to_string(request.call), printable(request.target, 80),
               exchange.failure->message);
    if (admission.probes)
      gate_.probe_ended();
    return;
  }
  const auto status = exchange.status;
  if (status != 200)
    log_.debug("{} {}: {}", to_string(request.call), printable(request.target, 80), status);
  const bool about_results = request.call == Call::errors || request.call == Call::imports;
  const auto kind = kind_of(request.call);
  if (reply.replayed) {
    gate_.answered(kind);
    return;
  }
  if (status == 401 || (status == 403 && !about_results && request.call != Call::me)) {
    options_.reread_key();
    gate_.park(ParkReason::credentials, kind);
    return;
  }
  const bool redirect = status >= 300 && status < 400;
  if (redirect || (status == 404 && request.call == Call::create)) {
    // Whatever else was to be found out was not: its pace goes on growing.
    if (admission.probes)
      gate_.probe_ended();
    gate_.park(ParkReason::endpoint, kind);
    return;
  }
  if (status == 429) {
    obey_retry_after(exchange);
    if (admission.probes)
      gate_.probe_ended();
    return;
  }
  nameless_refusals_ = 0;
  if (status >= 500) {
    if (admission.probes)
      gate_.probe_ended();
    return;
  }
  // Where a role may not read results that is no word about the rest.
  if (status != 403 || !about_results)
    gate_.answered(kind);
}

void ApiClient::watch(Call call, const Exchange& exchange) {
  // We broke it off ourselves, or had nothing to send.
  if (exchange.body_failed || (exchange.failure && exchange.failure->code == Errc::cancelled))
    return;
  const auto now = timers_.now().boot;
  const auto why = why_no_answer(call, exchange);
  if (!why) {
    if (const auto over = outage_.answered(now))
      log_event(log_, LogLevel::info, {LogEvent::api_answers, {}, 0, {}, {}},
                "the API answers again, after {} and {} failed requests", format_duration(over->lasted),
                over->requests);
    return;
  }
  last_failure_ = *why;
  const auto outage = outage_.failed(now);
  if (!outage)
    return;
  log_event(log_, LogLevel::warning, {LogEvent::api_fails, {}, 0, {}, {}},
            "{} requests in a row came to nothing, the last one because: {}; they are sent again until one "
            "is answered",
            outage->requests, *why);
}

void ApiClient::stop_dialling() {
  dials_ = false;
  for (auto* connection : under_way_)
    connection->stop_dialling();
}

std::optional<ApiClient::Outage> ApiClient::outage() const {
  const auto present = outage_.present(timers_.now().boot);
  return present ? std::optional(Outage{*present, last_failure_}) : std::nullopt;
}

void ApiClient::obey_retry_after(const Exchange& exchange) {
  const auto now = timers_.now();
  const auto named = parse_retry_after(exchange.retry_after, exchange.date, now.wall);
  const auto wait = named ? std::max(*named, kLeastWait) : wait_without_word(nameless_refusals_++);
  if (named)
    nameless_refusals_ = 0;
  log_.debug("429: the whole client waits {}", format_duration(wait));
  gate_.hold_until(now.boot + wait);
}

}  // namespace usherd
