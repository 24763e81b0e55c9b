#include "usherd/adapters/https_transport.hpp"

#include "src/adapters/https_connection.hpp"
#include "src/adapters/https_settings.hpp"
#include "src/adapters/tls_context.hpp"

namespace usherd {

Result<std::unique_ptr<HttpsTransport>> HttpsTransport::make(boost::asio::any_io_executor executor,
                                                             HttpsOptions options) {
  Result<std::shared_ptr<const HttpsSettings>> settings = HttpsSettings::make(std::move(options));
  if (!settings) {
    return settings.error();
  }
  return std::unique_ptr<HttpsTransport>(new HttpsTransport(std::move(executor), std::move(*settings)));
}

HttpsTransport::HttpsTransport(boost::asio::any_io_executor executor,
                               std::shared_ptr<const HttpsSettings> settings)
    : executor_(std::move(executor)), settings_(std::move(settings)) {}

HttpsTransport::~HttpsTransport() = default;

Result<void> HttpsTransport::set_options(HttpsOptions options) {
  Result<std::shared_ptr<const HttpsSettings>> settings = HttpsSettings::make(std::move(options));
  if (!settings) {
    return settings.error();
  }
  settings_ = std::move(*settings);
  return {};
}

std::unique_ptr<Connection> HttpsTransport::connection() {
  return std::make_unique<HttpsConnection>(executor_, settings_);
}

Result<void> check_ca_file(const std::string& ca_file) {
  const auto context = TlsContext::make(ca_file);
  return context ? Result<void>{} : Result<void>{context.error()};
}

}  // namespace usherd
