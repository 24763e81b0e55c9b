#pragma once

#include "usherd/adapters/proxy_rules.hpp"
#include "usherd/core/result.hpp"
#include "usherd/core/units.hpp"
#include "usherd/core/url.hpp"
#include "usherd/ports/transport.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace usherd {

/// Bytes of an answer that are worth as much time as its begin: a page of errors may be large, and a line
/// slow.
inline constexpr std::size_t kAnswerPiece = std::size_t{256} << 10;
inline constexpr unsigned kMostAnswerTimes = 5;

struct HttpsOptions {
  Url base;             ///< http only for loopback hosts
  std::string ca_file;  ///< trust roots besides the system's; empty for none
  std::optional<ProxyAddress> proxy;
  Milliseconds connect_timeout{10'000};  ///< name, connection, proxy and TLS handshake together
  /// While the request is sent: the longest time without progress. After that: the time for an answer, as
  /// often as another kAnswerPiece of it comes, and kMostAnswerTimes times at most.
  Milliseconds request_timeout{60'000};
  std::string user_agent = "usherd";
  /// Addresses to use instead of looking the host, or the proxy's host, up.
  std::vector<std::string> addresses;
};

struct HttpsSettings;

/// HTTPS sessions to one API host, straight or through a CONNECT proxy. Single-threaded: everything runs on
/// the executor's event loop, whose context must outlive it. Must outlive its connections. Never follows
/// redirects, never repeats a request, never logs.
class HttpsTransport final : public Transport {
 public:
  /// Errors (invalid): a ca_file that cannot be read, http to a host that is not loopback, a bad address.
  [[nodiscard]] static Result<std::unique_ptr<HttpsTransport>> make(boost::asio::any_io_executor executor,
                                                                    HttpsOptions options);
  ~HttpsTransport() override;
  /// For the exchanges begun from now on; connections made under the old options are replaced then. After an
  /// error the old options stay. Reads ca_file and the system's trust roots anew.
  [[nodiscard]] Result<void> set_options(HttpsOptions options);
  [[nodiscard]] std::unique_ptr<Connection> connection() override;

 private:
  HttpsTransport(boost::asio::any_io_executor executor, std::shared_ptr<const HttpsSettings> settings);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<const HttpsSettings> settings_;
};

/// Whether certificates can be read from a file that is to be trusted. Errors: denied, invalid.
[[nodiscard]] Result<void> check_ca_file(const std::string& ca_file);

}  // namespace usherd
