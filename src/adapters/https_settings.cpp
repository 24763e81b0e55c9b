#include "src/adapters/https_settings.hpp"

#include "usherd/core/text.hpp"

#include <openssl/evp.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace usherd {
namespace {

constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";

bool is_token(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), fits);
}

bool is_value(std::string_view value) {
  const auto fits = [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); };
  return std::all_of(value.begin(), value.end(), fits);
}

bool is_target(std::string_view target) {
  const auto fits = [](char c) { return c > ' ' && c < 0x7f; };
  return target.starts_with('/') && std::all_of(target.begin(), target.end(), fits);
}

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace

Result<std::shared_ptr<const HttpsSettings>> HttpsSettings::make(HttpsOptions options) {
  auto settings = std::make_shared<HttpsSettings>();
  if (!options.base.tls && !is_loopback_host(options.base.host)) {
    return Error{Errc::invalid, fmt::format("http:// is for loopback only, not for {}", options.base.host)};
  }
  if (!is_value(options.user_agent)) {
    return Error{Errc::invalid, "the user agent holds control characters"};
  }
  for (const std::string& text : options.addresses) {
    boost::system::error_code error;
    settings->addresses.push_back(boost::asio::ip::make_address(text, error));
    if (error) {
      return Error{Errc::invalid, fmt::format("'{}' is not an address", printable(text))};
    }
  }
  if (options.base.tls) {
    Result<std::unique_ptr<TlsContext>> tls = TlsContext::make(options.ca_file);
    if (!tls) {
      return tls.error();
    }
    settings->tls = std::move(*tls);
  }
  settings->options = std::move(options);
  return settings;
}

Result<std::string> write_head(const HttpsSettings& settings, const Request& request) {
  if (!is_target(request.target)) {
    return Error{Errc::invalid, "the request target holds what a request line cannot"};
  }
  const Url& base = settings.options.base;
  std::string head = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\n",
                                 request.method == Method::post ? "POST" : "GET", base.prefix, request.target,
                                 base.authority(), settings.options.user_agent);
  for (const Header& header : request.headers) {
    if (!is_token(header.name) || !is_value(header.value)) {
      return Error{Errc::invalid,
                   fmt::format("header {} holds what a header cannot", printable(header.name))};
    }
    fmt::format_to(std::back_inserter(head), "{}: {}\r\n", header.name, header.value);
  }
  if (request.body != nullptr || request.method == Method::post) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n",
                   request.body != nullptr ? request.body->length() : 0);
  }
  head += "\r\n";
  return head;
}

std::string write_connect(const HttpsSettings& settings) {
  const std::string target = settings.options.base.host_port();
  std::string head = fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\n", target, target,
                                 settings.options.user_agent);
  if (const auto& credentials = settings.options.proxy->credentials; credentials && !credentials->empty()) {
    fmt::format_to(std::back_inserter(head), "Proxy-Authorization: Basic {}\r\n",
                   base64(credentials->reveal()));
  }
  head += "\r\n";
  return head;
}

}  // namespace usherd
