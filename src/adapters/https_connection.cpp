#include "src/adapters/https_connection.hpp"

#include "src/adapters/answer_time.hpp"
#include "src/adapters/dialer.hpp"
#include "src/adapters/request_sender.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace usherd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kBuffer = std::size_t{16} << 10;
// An answer sent before the server stopped reading has arrived, or is about to.
constexpr std::chrono::seconds kLastWords{2};

}  // namespace

HttpsConnection::HttpsConnection(asio::any_io_executor executor,
                                 const std::shared_ptr<const HttpsSettings>& current)
    : executor_(std::move(executor)), current_(current), deadline_(executor_), buffer_(kBuffer) {}

bool HttpsConnection::is_open() const {
  return wire_ && (busy_ || wire_->look() == Wire::Look::quiet);
}

void HttpsConnection::close() {
  if (busy_) {
    deadline_.stop();
  } else {
    wire_.reset();
  }
}

void HttpsConnection::stop_dialling() {
  if (dialling_) {
    deadline_.stop();
  }
}

asio::awaitable<Exchange> HttpsConnection::exchange(Request request) {
  Exchange exchange;
  // A cancellation is to be reported with its progress, not thrown.
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  busy_ = true;
  deadline_.reset();
  try {
    co_await carry(request, exchange);
  } catch (...) {
    deadline_.clear();
    wire_.reset();
    busy_ = false;
    dialling_ = false;
    throw;
  }
  deadline_.clear();
  if ((exchange.failure && !exchange.held_back) || deadline_.stopped()) {
    wire_.reset();
  }
  busy_ = false;
  co_await asio::this_coro::throw_if_cancelled(throwing);
  co_return exchange;
}

asio::awaitable<void> HttpsConnection::carry(const Request& request, Exchange& exchange) {
  Result<std::string> head = write_head(*current_, request);
  if (!head) {
    exchange.failure = head.error();
    co_return;
  }
  dialling_ = true;
  exchange.failure = co_await connect();
  dialling_ = false;
  if (exchange.failure) {
    co_return;
  }
  if (request.may_leave && !request.may_leave()) {
    exchange.progress = Progress::connected;
    exchange.failure = Error{Errc::cancelled, "held back"};
    exchange.held_back = true;
    co_return;
  }
  AnswerParser answer(request.most_response_bytes);
  RequestSender sender(*wire_, deadline_, answer, settings_->options.request_timeout);
  co_await sender.send(*head, request.body);
  exchange.failure = co_await receive_after(sender, answer);
  exchange.progress = answer.started() ? Progress::answer_started : sender.progress();
  exchange.sent_whole = sender.is_whole();
  exchange.body_failed = exchange.failure && sender.body_failed();
  if (exchange.failure) {
    co_return;
  }
  const bool keep = answer.keeps_connection() && sender.is_whole();
  answer.move_to(exchange);
  if (!keep) {
    wire_.reset();
  }
}

asio::awaitable<std::optional<Error>> HttpsConnection::connect() {
  if (wire_ && (settings_ != current_ || wire_->look() != Wire::Look::quiet)) {
    wire_.reset();
  }
  if (wire_) {
    co_return std::nullopt;
  }
  settings_ = current_;
  Result<std::unique_ptr<Wire>> dialled = co_await dial(executor_, *settings_, deadline_);
  if (!dialled) {
    co_return dialled.error();
  }
  wire_ = std::move(*dialled);
  co_return std::nullopt;
}

// What the exchange fails with, if it does: a refusal that the server explained is an answer.
asio::awaitable<std::optional<Error>> HttpsConnection::receive_after(const RequestSender& sender,
                                                                     AnswerParser& answer) {
  const std::string peer = settings_->options.base.host_port();
  const Deadline::Clock::duration limit = settings_->options.request_timeout;
  if (!sender.failure()) {
    std::optional<Error> failure = co_await receive(answer, limit);
    co_return failure ? failure->within("answer of " + peer) : failure;
  }
  if (sender.refused()) {
    const std::optional<Error> failure =
        co_await receive(answer, std::min<Deadline::Clock::duration>(limit, kLastWords));
    if (!failure) {
      co_return std::nullopt;
    }
    if (failure->code == Errc::cancelled) {
      co_return failure->within("answer of " + peer);
    }
  }
  co_return sender.body_failed() ? *sender.failure() : sender.failure()->within("send to " + peer);
}

asio::awaitable<std::optional<Error>> HttpsConnection::receive(AnswerParser& answer,
                                                               Deadline::Clock::duration limit) {
  deadline_.set(limit);
  AnswerTime time;
  while (!answer.done()) {
    const Result<std::size_t> got = co_await wire_->read_some(buffer_);
    if (!got) {
      co_return got.error();
    }
    if (time.begins_anew(*got)) {
      deadline_.set(limit);
    }
    const Result<void> fed =
        *got == 0 ? answer.finish() : answer.feed(std::string_view(buffer_.data(), *got));
    if (!fed) {
      co_return fed.error();
    }
    if (!answer.done()) {
      if (std::optional<Error> ended = co_await deadline_.turn()) {
        co_return ended;
      }
    }
  }
  co_return std::nullopt;
}

}  // namespace usherd
