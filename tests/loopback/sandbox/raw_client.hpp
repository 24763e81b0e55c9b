#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd::sandbox {

/// What came back: a whole answer, or the reason why none did.
struct RawAnswer {
  unsigned status = 0;  ///< 0: no whole answer
  std::string failure;
  std::map<std::string, std::string> headers;
  std::string body;

  [[nodiscard]] boost::json::value json() const;
};

/// A blocking client of one connection that does nothing by itself: no retry, no reconnect. TLS where a CA
/// file is given, checked for "localhost".
class RawClient {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  RawClient(std::uint16_t port, const std::string& ca_file);
  ~RawClient();

  /// Why the connection does not stand; empty: it does.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  RawAnswer exchange(std::string_view method, std::string_view target, const Headers& headers = {},
                     std::string_view body = {});
  /// Sends bytes as they are; false: the connection broke.
  bool send(std::string_view bytes);
  RawAnswer receive();

 private:
  using Plain = boost::asio::ip::tcp::socket;
  using Tls = boost::asio::ssl::stream<Plain>;

  boost::asio::io_context context_;
  boost::asio::ssl::context tls_context_{boost::asio::ssl::context::tls_client};
  std::unique_ptr<Tls> tls_;
  std::unique_ptr<Plain> plain_;
  std::string failure_;
  std::string rest_;
};

}  // namespace usherd::sandbox
