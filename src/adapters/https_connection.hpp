#pragma once

#include "src/adapters/answer_parser.hpp"
#include "src/adapters/deadline.hpp"
#include "src/adapters/https_settings.hpp"
#include "src/adapters/wire.hpp"
#include "usherd/ports/transport.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace usherd {

class RequestSender;

/// One session of an HttpsTransport. Reads the transport's settings at each exchange, and dials anew when
/// they changed, when the server closed the connection, or when it said something nobody had asked for.
class HttpsConnection final : public Connection {
 public:
  HttpsConnection(boost::asio::any_io_executor executor, const std::shared_ptr<const HttpsSettings>& current);

  [[nodiscard]] boost::asio::awaitable<Exchange> exchange(Request request) override;
  [[nodiscard]] bool is_open() const override;
  /// During an exchange: ends it as cancelled.
  void close() override;
  void stop_dialling() override;

 private:
  boost::asio::awaitable<void> carry(const Request& request, Exchange& exchange);
  boost::asio::awaitable<std::optional<Error>> connect();
  boost::asio::awaitable<std::optional<Error>> receive(AnswerParser& answer, Deadline::Clock::duration limit);
  boost::asio::awaitable<std::optional<Error>> receive_after(const RequestSender& sender,
                                                             AnswerParser& answer);

  boost::asio::any_io_executor executor_;
  const std::shared_ptr<const HttpsSettings>& current_;
  std::shared_ptr<const HttpsSettings> settings_;
  Deadline deadline_;
  std::unique_ptr<Wire> wire_;
  std::vector<char> buffer_;
  bool busy_ = false;
  bool dialling_ = false;
};

}  // namespace usherd
