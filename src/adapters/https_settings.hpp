#pragma once

#include "src/adapters/tls_context.hpp"
#include "usherd/adapters/https_transport.hpp"

#include <boost/asio/ip/address.hpp>

#include <memory>
#include <vector>

namespace usherd {

/// The options of a transport, checked and made ready. Connections share it, so that what they were made
/// under lives as long as they do.
struct HttpsSettings {
  [[nodiscard]] static Result<std::shared_ptr<const HttpsSettings>> make(HttpsOptions options);

  HttpsOptions options;
  std::unique_ptr<TlsContext> tls;  ///< null for http
  std::vector<boost::asio::ip::address> addresses;
};

/// Request line and header lines, with the empty line at the end. Errors (invalid): a target or header that
/// would break out of its line; the message never holds a header's value.
[[nodiscard]] Result<std::string> write_head(const HttpsSettings& settings, const Request& request);

/// The whole request that asks a proxy for a tunnel.
[[nodiscard]] std::string write_connect(const HttpsSettings& settings);

}  // namespace usherd
