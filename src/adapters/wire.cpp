#include "src/adapters/wire.hpp"

#include <openssl/err.h>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace usherd {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// What SSL_get_error() asks of its caller. Clearing goes over all of the queue, empty or not, each time.
void forget_errors() {
  if (ERR_peek_error() != 0) {
    ERR_clear_error();
  }
}

}  // namespace

Wire::Wire(tcp::socket socket, Deadline& deadline) : socket_(std::move(socket)), deadline_(deadline) {
  io_.descriptor = socket_.native_handle();
}

Wire::~Wire() {
  if (ssl_ && SSL_is_init_finished(ssl_.get()) != 0 && io_.write_error == 0 && io_.read_error == 0) {
    forget_errors();
    SSL_shutdown(ssl_.get());
    forget_errors();
  }
}

asio::awaitable<Result<void>> Wire::start_tls(TlsContext& tls, const std::string& host) {
  Result<SslPtr> made = tls.client(host);
  if (!made) {
    co_return made.error();
  }
  ssl_ = std::move(*made);
  BIO* bio = make_socket_bio(io_);
  SSL_set_bio(ssl_.get(), bio, bio);
  for (;;) {
    forget_errors();
    const Step step = step_of(SSL_do_handshake(ssl_.get()));
    if (step == Step::done) {
      co_return Result<void>();
    }
    if (step == Step::end || step == Step::broken) {
      tls.forget_sessions();
      co_return broken();
    }
    const auto type = step == Step::want_read ? tcp::socket::wait_read : tcp::socket::wait_write;
    const Result<void> ready = co_await deadline_.ready(socket_, type);
    if (!ready) {
      co_return ready.error();
    }
  }
}

asio::awaitable<Result<std::size_t>> Wire::read_some(std::span<char> into) {
  for (;;) {
    std::size_t got = 0;
    const Step step = try_read(into, got);
    if (step == Step::done || step == Step::end) {
      co_return got;
    }
    if (step == Step::broken) {
      co_return broken();
    }
    const auto type = step == Step::want_read ? tcp::socket::wait_read : tcp::socket::wait_write;
    const Result<void> ready = co_await deadline_.ready(socket_, type);
    if (!ready) {
      co_return ready.error();
    }
  }
}

asio::awaitable<Result<std::size_t>> Wire::write_some(std::span<const char> from) {
  for (;;) {
    std::size_t put = 0;
    const Step step = try_write(from, put);
    if (put > 0) {
      co_return put;
    }
    if (step == Step::end || step == Step::broken) {
      co_return broken();
    }
    // A server that answered early may have stopped reading: then room to write never comes.
    const Result<void> ready = co_await deadline_.ready_either(socket_);
    if (!ready) {
      co_return ready.error();
    }
    if (look() != Look::quiet) {
      co_return std::size_t{0};
    }
  }
}

Wire::Look Wire::look() {
  char byte = 0;
  if (!ssl_) {
    const long got = io_.receive(&byte, 1, true);
    return got > 0 ? Look::readable : got < 0 && io_.read_error == 0 ? Look::quiet : Look::closed;
  }
  forget_errors();
  const Step step = step_of(SSL_peek(ssl_.get(), &byte, 1));
  return step == Step::done                                    ? Look::readable
         : step == Step::want_read || step == Step::want_write ? Look::quiet
                                                               : Look::closed;
}

Wire::Step Wire::step_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return Step::done;
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return io_.write_error == 0 ? Step::want_write : Step::broken;
    case SSL_ERROR_ZERO_RETURN:
      return Step::end;
    default:
      return Step::broken;
  }
}

Wire::Step Wire::try_read(std::span<char> into, std::size_t& got) {
  if (ssl_) {
    forget_errors();
    return step_of(SSL_read_ex(ssl_.get(), into.data(), into.size(), &got));
  }
  const long count = io_.receive(into.data(), into.size(), false);
  if (count < 0) {
    return io_.read_error == 0 ? Step::want_read : Step::broken;
  }
  got = static_cast<std::size_t>(count);
  if (got > 0) {
    return Step::done;
  }
  // The failed write has used up the reset: what looks like the end of the answer is none.
  return io_.write_error == 0 ? Step::end : Step::broken;
}

// Fills the socket as far as it goes; what it took stands in `put` whatever the last step was.
Wire::Step Wire::try_write(std::span<const char> from, std::size_t& put) {
  Step step = Step::done;
  while (step == Step::done && put < from.size()) {
    const auto rest = from.subspan(put);
    if (ssl_) {
      std::size_t taken = 0;
      forget_errors();
      // A call writes one TLS record: those of a piece go out in segments as large as the way takes.
      io_.more = rest.size() > SSL3_RT_MAX_PLAIN_LENGTH;
      step = step_of(SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &taken));
      put += taken;
    } else {
      const long taken = io_.send(rest.data(), rest.size());
      put += taken > 0 ? static_cast<std::size_t>(taken) : 0;
      step = taken > 0 ? Step::done : io_.write_error == 0 ? Step::want_write : Step::broken;
    }
  }
  io_.more = false;
  return step;
}

Error Wire::broken() {
  const int number = io_.write_error != 0 ? io_.write_error : io_.read_error;
  if (number != 0) {
    forget_errors();
    return {Errc::unavailable, std::generic_category().message(number)};
  }
  return {Errc::unavailable, describe_tls_failure(ssl_.get())};
}

}  // namespace usherd
