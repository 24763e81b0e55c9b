#include "tests/flow/world/sandbox_transport.hpp"

#include "src/sandbox/retry_after.hpp"
#include "src/sandbox/route.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <string>
#include <utility>

namespace usherd::flow {
namespace asio = boost::asio;
namespace {

using sandbox::FaultAction;

Exchange lost(Progress progress, Errc code, std::string what) {
  Exchange exchange;
  exchange.progress = progress;
  exchange.failure = Error{code, std::move(what)};
  return exchange;
}

Exchange held_back() {
  auto exchange = lost(Progress::connected, Errc::cancelled, "held back");
  exchange.held_back = true;
  return exchange;
}

class SandboxConnection final : public Connection {
 public:
  explicit SandboxConnection(SandboxTransport::Parts parts)
      : parts_(std::move(parts)), never_(parts_.loop, asio::steady_timer::time_point::max()) {}
  ~SandboxConnection() override { close(); }

  asio::awaitable<Exchange> exchange(Request request) override {
    const bool throwing = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    auto result = co_await carry(request);
    if (result.failure && !result.held_back)
      close();
    co_await asio::this_coro::throw_if_cancelled(throwing);
    co_return result;
  }
  [[nodiscard]] bool is_open() const override { return open_; }
  void close() override {
    if (std::exchange(open_, false))
      parts_.server.organisation.session_closed();
  }

 private:
  asio::awaitable<Exchange> carry(const Request& request) {
    auto& organisation = parts_.server.organisation;
    if (parts_.effects.stopped())
      co_return co_await silence();
    if (!organisation.settings.listening)
      co_return lost(Progress::nothing, Errc::unavailable, "connection refused");
    if (!std::exchange(open_, true))
      organisation.session_opened();
    if (request.may_leave && !request.may_leave())
      co_return held_back();
    sandbox::ApiRequest seen;
    seen.target = sandbox::parse_target(request.target);
    seen.route = sandbox::route_of(request.method == Method::post ? "POST" : "GET", seen.target);
    for (const auto& header : request.headers) {
      if (header.name == "Authorization")
        seen.authorization = header.value;
      else if (header.name == "Idempotency-Key")
        seen.idempotency_key = header.value;
    }
    organisation.arrived(seen.route.call, parts_.server_time());
    if (auto fault = parts_.server.api.arrival_fault(seen.route.call))
      co_return co_await strike(*fault, request, seen.route.call);
    if (auto broken = co_await read_body(request, seen.body))
      co_return std::move(*broken);
    if (!parts_.effects.begin())
      co_return co_await silence();
    auto answer = parts_.server.answer(seen, parts_.server_time());
    if (answer.arrival && answer.arrival->action == FaultAction::hang)
      co_return co_await hang();
    if (answer.arrival && answer.arrival->action < FaultAction::hang)
      co_return lost(Progress::body_written, Errc::unavailable, "reset");
    co_return co_await deliver(std::move(answer));
  }

  /// The fault strikes before the body is looked at.
  asio::awaitable<Exchange> strike(const sandbox::FaultRule& fault, const Request& request,
                                   sandbox::Call call) {
    const bool answers = fault.action >= FaultAction::redirect;
    parts_.server.organisation.answered(call, answers ? sandbox::fault_answer(fault).status : 0);
    if (fault.action == FaultAction::reset_before)
      co_return lost(Progress::connected, Errc::unavailable, "reset");
    if (fault.action == FaultAction::reset_mid_body && request.body != nullptr) {
      const auto piece = co_await request.body->next();
      co_return lost(piece && !piece->empty() ? Progress::body_started : Progress::connected,
                     Errc::unavailable, "reset");
    }
    std::string body;
    if (auto broken = co_await read_body(request, body))
      co_return std::move(*broken);
    if (!parts_.effects.begin())
      co_return co_await silence();
    if (!answers)
      co_return co_await hang();
    co_return co_await deliver(sandbox::fault_answer(fault));
  }

  /// Reads the whole body, or says how that ended.
  static asio::awaitable<std::optional<Exchange>> read_body(const Request& request, std::string& body) {
    const std::uint64_t length = request.body != nullptr ? request.body->length() : 0;
    while (body.size() < length) {
      const auto piece = co_await request.body->next();
      if (piece && !piece->empty() && piece->size() <= length - body.size()) {
        body.append(piece->data(), piece->size());
        continue;
      }
      auto broken = lost(body.empty() ? Progress::connected : Progress::body_started, Errc::corrupt,
                         "the body is not as long as announced");
      if (!piece)
        broken.failure = piece.error();
      broken.body_failed = true;
      co_return broken;
    }
    co_return std::nullopt;
  }

  asio::awaitable<Exchange> deliver(sandbox::ApiAnswer answer) {
    const auto now = parts_.server_time();
    if (answer.status == 429)
      parts_.server.organisation.told_to_wait(now, sandbox::announced_wait(answer, now));
    if (answer.delay.count() > 0) {
      const bool waited = co_await wait(std::min(answer.delay, parts_.request_timeout));
      if (!waited)
        co_return lost(Progress::body_written, Errc::cancelled, "cancelled");
      if (answer.delay > parts_.request_timeout)
        co_return lost(Progress::body_written, Errc::timeout, "no answer in time");
    }
    if (!parts_.effects.begin())
      co_return co_await silence();
    if (answer.spoil) {
      switch (answer.spoil->action) {
        case FaultAction::reset_after_commit:
          co_return lost(Progress::body_written, Errc::unavailable, "reset");
        case FaultAction::hang_after_commit:
        case FaultAction::slow_headers:
        case FaultAction::slow_body:
          co_return co_await hang();
        case FaultAction::truncate:
          co_return lost(Progress::answer_started, Errc::unavailable, "the answer was cut off");
        case FaultAction::garbage:
          co_return lost(Progress::answer_started, Errc::invalid, "not an HTTP answer");
        default:
          break;
      }
    }
    Exchange exchange;
    exchange.progress = Progress::answer_started;
    exchange.status = answer.status;
    exchange.date = sandbox::http_date(now);
    exchange.content_type = answer.content_type;
    for (const auto& [name, value] : answer.headers) {
      if (name == "Retry-After")
        exchange.retry_after = value;
    }
    exchange.body = std::move(answer.body);
    if (answer.spoil && answer.spoil->action == FaultAction::close_after)
      close();
    co_return exchange;
  }

  asio::awaitable<Exchange> hang() {
    const bool waited = co_await wait(parts_.request_timeout);
    co_return waited ? lost(Progress::body_written, Errc::timeout, "no answer in time")
                     : lost(Progress::body_written, Errc::cancelled, "cancelled");
  }

  /// False when the exchange was cancelled.
  asio::awaitable<bool> wait(Milliseconds span) {
    const auto alarm = parts_.timers.alarm();
    try {
      co_await alarm->wait_until(parts_.timers.now().boot + span);
    } catch (const boost::system::system_error&) {
      co_return false;
    }
    co_return true;
  }

  /// The machine has stopped: nothing more comes until somebody sweeps it up.
  asio::awaitable<Exchange> silence() {
    co_await never_.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return lost(Progress::body_written, Errc::cancelled, "the machine has stopped");
  }

  SandboxTransport::Parts parts_;
  asio::steady_timer never_;
  bool open_ = false;
};

}  // namespace

std::unique_ptr<Connection> SandboxTransport::connection() {
  return std::make_unique<SandboxConnection>(parts_);
}

}  // namespace usherd::flow
