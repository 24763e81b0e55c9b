#include "src/sandbox/api_session.hpp"

#include "src/sandbox/http_head.hpp"
#include "src/sandbox/retry_after.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <limits>

namespace usherd::sandbox {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostDrained = 1ULL << 30;
constexpr std::string_view kNoise("\x16\x03\x00\xFF no HTTP at all \x00\x01\x02\r\n\r\n", 27);

}  // namespace

ApiSession::ApiSession(ApiStage& stage, Channel& channel)
    : stage_(stage), channel_(channel), reader_(channel) {
  stage_.organisation.session_opened();
}

ApiSession::~ApiSession() {
  stage_.organisation.session_closed();
}

asio::awaitable<void> ApiSession::run() {
  bool goes_on = true;
  while (goes_on)
    goes_on = co_await exchange();
}

asio::awaitable<bool> ApiSession::exchange() {
  const ReadEnd header = co_await reader_.read_header(stage_.organisation.settings.idle_timeout);
  if (header == ReadEnd::bad) {
    const ApiAnswer answer = error_answer(400, "invalid_argument", "not an HTTP request");
    const std::string head = http_head(answer, answer.body.size(), false, stage_.clock.now());
    co_await channel_.write(head + answer.body);
    co_await channel_.finish();
  }
  if (header != ReadEnd::whole)
    co_return false;
  ApiRequest request;
  request.target = parse_target_below(stage_.organisation.settings.base_path, reader_.target());
  request.route = route_of(reader_.method(), request.target);
  request.authorization = std::string(reader_.header("Authorization"));
  request.idempotency_key = std::string(reader_.header("Idempotency-Key"));
  stage_.organisation.arrived(request.route.call, stage_.clock.now());
  if (auto fault = stage_.api.arrival_fault(request.route.call))
    co_return co_await strike(std::move(*fault), request.route.call);
  const ReadEnd body = co_await read_body(kAll);
  if (body == ReadEnd::too_large) {
    stage_.organisation.answered(request.route.call, 413);
    co_return co_await refuse_body();
  }
  if (body != ReadEnd::whole)
    co_return false;
  request.body = reader_.take_body();
  co_return co_await handle(std::move(request));
}

asio::awaitable<bool> ApiSession::handle(ApiRequest request) {
  ApiAnswer answer = stage_.api.answer(request, stage_.clock.now());
  stage_.jobs_changed();
  if (answer.arrival) {
    if (answer.arrival->action == FaultAction::hang)
      co_return co_await hang();
    if (answer.arrival->action < FaultAction::hang) {
      channel_.reset();
      co_return false;
    }
  }
  if (answer.delay.count() > 0)
    co_await wait(answer.delay);
  co_return co_await send(std::move(answer));
}

asio::awaitable<bool> ApiSession::strike(FaultRule fault, Call call) {
  const bool answers = fault.action >= FaultAction::redirect;
  stage_.organisation.answered(call, answers ? fault_answer(fault).status : 0);
  if (fault.action == FaultAction::reset_before) {
    channel_.reset();
    co_return false;
  }
  const ReadEnd body = co_await read_body(fault.action == FaultAction::reset_mid_body ? fault.bytes : kAll);
  if (fault.action == FaultAction::reset_mid_body) {
    channel_.reset();
    co_return false;
  }
  if (fault.action == FaultAction::hang)
    co_return co_await hang();
  if (body != ReadEnd::whole)
    co_return false;
  co_return co_await send(fault_answer(fault));
}

asio::awaitable<bool> ApiSession::refuse_body() {
  const Settings& settings = stage_.organisation.settings;
  if (settings.over_body == OverBody::reset) {
    // Half of what is allowed is taken first, as from a server that finds out while it reads.
    const std::uint64_t half = settings.max_body / 2;
    co_await reader_.drain(half, settings.idle_timeout);
    channel_.reset();
    co_return false;
  }
  FaultRule rule;
  rule.code = 413;
  rule.body = settings.over_body == OverBody::html ? FaultBody::html : FaultBody::json;
  const ApiAnswer answer = fault_answer(rule);
  const std::string head = http_head(answer, answer.body.size(), false, stage_.clock.now());
  // The rest of the body is taken off the wire, or the answer would be lost to a reset.
  if (co_await channel_.write(head + answer.body))
    co_await reader_.drain(kMostDrained, Milliseconds(1000));
  co_await channel_.finish();
  co_return false;
}

asio::awaitable<ReadEnd> ApiSession::read_body(std::uint64_t stop_at) {
  const Settings& settings = stage_.organisation.settings;
  const auto length = reader_.content_length();
  const bool wanted = !length || *length <= settings.max_body;
  if (wanted && reader_.header("Expect") == "100-continue") {
    if (!co_await channel_.write("HTTP/1.1 100 Continue\r\n\r\n"))
      co_return ReadEnd::closed;
  }
  co_return co_await reader_.read_body(settings.max_body, stop_at, settings.idle_timeout);
}

asio::awaitable<bool> ApiSession::send(ApiAnswer answer) {
  if (reader_.method() == "HEAD")
    answer.body.clear();
  const bool keep_alive = reader_.keep_alive();
  const WallTime now = stage_.clock.now();
  if (answer.status == 429)
    stage_.organisation.told_to_wait(now, announced_wait(answer, now));
  std::string head = http_head(answer, answer.body.size(), keep_alive, now);
  if (answer.spoil)
    co_return co_await send_spoilt(std::move(head), std::move(answer));
  bool sent = false;
  constexpr std::size_t kSmall = 64UL * 1024;
  if (answer.body.size() <= kSmall) {
    head += answer.body;
    sent = co_await channel_.write(head);
  } else {
    sent = co_await channel_.write(head);
    if (sent)
      sent = co_await channel_.write(answer.body);
  }
  if (sent && !keep_alive)
    co_await channel_.finish();
  co_return sent&& keep_alive;
}

asio::awaitable<bool> ApiSession::send_spoilt(std::string head, ApiAnswer answer) {
  const FaultRule spoil = *answer.spoil;
  bool sent = false;
  switch (spoil.action) {
    case FaultAction::hang_after_commit:
      co_return co_await hang();
    case FaultAction::slow_headers:
      sent = co_await trickle(std::move(head), spoil.delay);
      if (sent)
        sent = co_await channel_.write(answer.body);
      co_return sent&& reader_.keep_alive();
    case FaultAction::slow_body:
      sent = co_await channel_.write(head);
      if (sent)
        sent = co_await trickle(std::move(answer.body), spoil.delay);
      co_return sent&& reader_.keep_alive();
    case FaultAction::truncate:
      answer.body.resize(answer.body.size() / 2);
      co_await channel_.write(head + answer.body);
      co_await channel_.finish();
      break;
    case FaultAction::garbage: {
      co_await channel_.write(kNoise);
      co_await channel_.finish();
      break;
    }
    case FaultAction::close_after:
      co_await channel_.write(head + answer.body);
      co_await channel_.finish();
      break;
    default:
      channel_.reset();
      break;
  }
  co_return false;
}

asio::awaitable<bool> ApiSession::trickle(std::string text, Milliseconds pause) {
  for (const char& byte : text) {
    const std::string_view one(&byte, 1);
    if (!co_await channel_.write(one))
      co_return false;
    co_await wait(pause);
  }
  co_return true;
}

asio::awaitable<bool> ApiSession::hang() {
  co_await reader_.drain(kMostDrained, std::chrono::hours(24));
  co_return false;
}

asio::awaitable<void> ApiSession::wait(Milliseconds time) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, time);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace usherd::sandbox
