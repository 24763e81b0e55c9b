#pragma once

#include "src/adapters/answer_parser.hpp"
#include "src/adapters/deadline.hpp"
#include "src/adapters/wire.hpp"
#include "usherd/core/units.hpp"
#include "usherd/ports/transport.hpp"

#include <optional>
#include <span>
#include <string>

namespace usherd {

/// Sends one request and listens meanwhile: a server may refuse a body long before its end. Stops at the
/// first of: all sent, an answer begun, a failure. All that it refers to must outlive it; one send() a
/// sender.
class RequestSender {
 public:
  RequestSender(Wire& wire, Deadline& deadline, AnswerParser& answer, Milliseconds longest_stall)
      : wire_(wire), deadline_(deadline), answer_(answer), longest_stall_(longest_stall) {}

  [[nodiscard]] boost::asio::awaitable<void> send(const std::string& head, BodySource* body);

  /// All was given to the kernel.
  [[nodiscard]] bool is_whole() const { return whole_; }
  /// connected, head_written, body_started or body_written. What a reset kept in the kernel was not written.
  [[nodiscard]] Progress progress() const;
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  /// The failure is the body source's.
  [[nodiscard]] bool body_failed() const { return body_failed_; }
  /// The failure is that the other side takes no more: what it said before may still be read.
  [[nodiscard]] bool refused() const { return refused_; }

 private:
  boost::asio::awaitable<bool> write_all(std::span<const char> bytes);
  boost::asio::awaitable<bool> listen();
  boost::asio::awaitable<void> send_body(BodySource& body);

  Wire& wire_;
  Deadline& deadline_;
  AnswerParser& answer_;
  Milliseconds longest_stall_;
  std::optional<std::uint64_t> sent_before_body_;
  std::optional<Error> failure_;
  bool whole_ = false;
  bool body_failed_ = false;
  bool refused_ = false;
};

}  // namespace usherd
