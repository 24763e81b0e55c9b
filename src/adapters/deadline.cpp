#include "src/adapters/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace usherd {

namespace asio = boost::asio;
using asio::ip::tcp;

// The timer's handler may run after the Deadline is gone: it keeps the state, which then has nothing to
// cancel.
struct Deadline::State : std::enable_shared_from_this<Deadline::State> {
  explicit State(const asio::any_io_executor& executor) : timer(executor) {}

  void arm(Time time) {
    armed = time;
    timer.expires_at(time);
    timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) {
        self->fire();
      }
    });
  }

  void fire() {
    armed = Time::max();
    if (due == Time::max()) {
      return;
    }
    if (Clock::now() < due) {
      arm(due);
      return;
    }
    passed = true;
    end_wait();
  }

  void end_wait() {
    if (cancel) {
      cancel();
    }
  }

  asio::steady_timer timer;
  Time due = Time::max();
  Time armed = Time::max();
  bool passed = false;
  bool stopped = false;
  std::function<void()> cancel;
};

Deadline::Deadline(const asio::any_io_executor& executor) : state_(std::make_shared<State>(executor)) {}

Deadline::~Deadline() {
  state_->cancel = nullptr;
  state_->due = Time::max();
  state_->timer.cancel();
}

void Deadline::set(Time due) {
  state_->passed = false;
  state_->due = due;
  if (due < state_->armed) {
    state_->arm(due);
  }
}

void Deadline::clear() {
  state_->passed = false;
  state_->due = Time::max();
  state_->armed = Time::max();
  state_->timer.cancel();
}

void Deadline::stop() {
  state_->stopped = true;
  state_->end_wait();
}

void Deadline::reset() {
  state_->stopped = false;
}

bool Deadline::stopped() const {
  return state_->stopped;
}

void Deadline::before(std::function<void()> cancel) {
  state_->cancel = std::move(cancel);
}

asio::awaitable<std::optional<Error>> Deadline::after() {
  state_->cancel = nullptr;
  const asio::cancellation_state cancellation = co_await asio::this_coro::cancellation_state;
  if (state_->stopped || cancellation.cancelled() != asio::cancellation_type::none) {
    co_return Error{Errc::cancelled, "cancelled"};
  }
  if (state_->passed) {
    co_return Error{Errc::timeout, "timed out"};
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<Error>> Deadline::turn() {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
  co_return co_await after();
}

namespace {

asio::awaitable<boost::system::error_code> wait_either(tcp::socket& socket) {
  auto group =
      asio::experimental::make_parallel_group(socket.async_wait(tcp::socket::wait_write, asio::deferred),
                                              socket.async_wait(tcp::socket::wait_read, asio::deferred));
  const auto [order, write_error, read_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  co_return order[0] == 0 ? write_error : read_error;
}

asio::awaitable<boost::system::error_code> wait_one(tcp::socket& socket, tcp::socket::wait_type type) {
  const auto [error] = co_await socket.async_wait(type, asio::as_tuple(asio::use_awaitable));
  co_return error;
}

}  // namespace

asio::awaitable<Result<void>> Deadline::ready(tcp::socket& socket, tcp::socket::wait_type type) {
  // Nothing wakes a wait that begins after the time was up.
  if (std::optional<Error> ended = co_await after()) {
    co_return *ended;
  }
  before([&socket] {
    boost::system::error_code ignored;
    socket.cancel(ignored);
  });
  const boost::system::error_code error = co_await wait_one(socket, type);
  if (std::optional<Error> ended = co_await after()) {
    co_return *ended;
  }
  if (error) {
    co_return Error{Errc::unavailable, error.message()};
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> Deadline::ready_either(tcp::socket& socket) {
  if (std::optional<Error> ended = co_await after()) {
    co_return *ended;
  }
  before([&socket] {
    boost::system::error_code ignored;
    socket.cancel(ignored);
  });
  const boost::system::error_code error = co_await wait_either(socket);
  if (std::optional<Error> ended = co_await after()) {
    co_return *ended;
  }
  if (error) {
    co_return Error{Errc::unavailable, error.message()};
  }
  co_return Result<void>();
}

}  // namespace usherd
