#include "src/adapters/request_sender.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <array>

namespace usherd {

namespace asio = boost::asio;

namespace {

using Piece = Result<std::span<const char>>;

// A source that awaits work of its own may meet the cancellation as an exception.
asio::awaitable<Piece> next_piece(BodySource& body) {
  try {
    co_return co_await body.next();
  } catch (const boost::system::system_error& thrown) {
    if (thrown.code() != asio::error::operation_aborted) {
      throw;
    }
  }
  co_return Error{Errc::cancelled, "cancelled"};
}

Piece checked(Piece piece, std::uint64_t rest) {
  if (piece && piece->empty()) {
    return Error{Errc::corrupt, "the body is shorter than its announced length"};
  }
  if (piece && piece->size() > rest) {
    return Error{Errc::corrupt, "the body is longer than its announced length"};
  }
  return piece;
}

}  // namespace

Progress RequestSender::progress() const {
  if (whole_ && !wire_.lost_bytes()) {
    return Progress::body_written;
  }
  if (!sent_before_body_) {
    return Progress::connected;
  }
  return wire_.sent() > *sent_before_body_ ? Progress::body_started : Progress::head_written;
}

asio::awaitable<void> RequestSender::send(const std::string& head, BodySource* body) {
  deadline_.set(longest_stall_);
  const bool head_sent = co_await write_all(head);
  if (!head_sent) {
    co_return;
  }
  if (body != nullptr && body->length() > 0) {
    co_await send_body(*body);
  } else {
    whole_ = true;
  }
}

asio::awaitable<void> RequestSender::send_body(BodySource& body) {
  sent_before_body_ = wire_.sent();
  std::uint64_t rest = body.length();
  while (rest > 0) {
    // Time the source takes is not the network's.
    deadline_.clear();
    Piece piece = co_await next_piece(body);
    piece = checked(std::move(piece), rest);
    if (!piece) {
      failure_ = piece.error();
      body_failed_ = failure_->code != Errc::cancelled;
      co_return;
    }
    // Nothing that was cancelled meanwhile may still reach its last byte.
    failure_ = co_await deadline_.turn();
    if (failure_) {
      co_return;
    }
    deadline_.set(longest_stall_);
    if (wire_.look() != Wire::Look::quiet) {
      const bool may_go_on = co_await listen();
      if (!may_go_on) {
        co_return;
      }
    }
    const bool written = co_await write_all(*piece);
    if (!written) {
      co_return;
    }
    rest -= piece->size();
  }
  whole_ = true;
}

asio::awaitable<bool> RequestSender::write_all(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const Result<std::size_t> put = co_await wire_.write_some(bytes);
    if (!put) {
      failure_ = put.error();
      refused_ = failure_->code == Errc::unavailable;
      co_return false;
    }
    if (*put == 0) {
      const bool may_go_on = co_await listen();
      if (!may_go_on) {
        co_return false;
      }
      continue;
    }
    deadline_.set(longest_stall_);
    bytes = bytes.subspan(*put);
  }
  co_return true;
}

// Takes what has come in. An interim answer is no reason to stop.
asio::awaitable<bool> RequestSender::listen() {
  std::array<char, 4096> buffer;
  const Result<std::size_t> got = co_await wire_.read_some(buffer);
  if (!got) {
    failure_ = got.error();
    co_return false;
  }
  const Result<void> fed = *got == 0 ? answer_.finish() : answer_.feed(std::string_view(buffer.data(), *got));
  if (!fed) {
    failure_ = fed.error();
    co_return false;
  }
  co_return !answer_.is_final();
}

}  // namespace usherd
