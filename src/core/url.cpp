#include "usherd/core/url.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace usherd {
namespace {

constexpr std::size_t kMostHost = 253;
constexpr std::size_t kMostLabel = 63;

Error invalid(std::string message) {
  return {Errc::invalid, std::move(message)};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

bool parses_as(int family, std::string_view host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return host.size() < INET6_ADDRSTRLEN && inet_pton(family, std::string(host).c_str(), address.data()) == 1;
}

// getaddrinfo reads "127.1" and "0x7f000001" as addresses; what looks like a number must be a plain IPv4
// address.
bool ends_in_number(std::string_view host) {
  const std::size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  return !last.empty() && is_digit(last.front()) &&
         (last.starts_with("0x") || std::all_of(last.begin(), last.end(), is_digit));
}

Result<void> check_name(std::string_view host) {
  if (host.empty()) {
    return invalid("the host is missing");
  }
  if (host.size() > kMostHost) {
    return invalid("the host is longer than 253 characters");
  }
  std::size_t label = 0;
  for (const char c : host) {
    if (c == '.' ? label == 0 : !is_host_character(c) || label == kMostLabel) {
      return invalid(fmt::format("'{}' is not a host name", printable(host)));
    }
    label = c == '.' ? 0 : label + 1;
  }
  if (label == 0 || (ends_in_number(host) && !parses_as(AF_INET, host))) {
    return invalid(fmt::format("'{}' is not a host name", printable(host)));
  }
  return {};
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return invalid(fmt::format("'{}' is not a port (1 to 65535)", printable(text, 20)));
  }
  return port;
}

Result<std::string> parse_prefix(std::string_view path) {
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const auto is_bad = [](char c) {
    return c <= ' ' || c >= 0x7f || std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos;
  };
  if (std::any_of(path.begin(), path.end(), is_bad)) {
    return invalid("the path holds a character that must be percent-encoded");
  }
  return std::string(path);
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

}  // namespace

std::string Url::authority() const {
  return port == (tls ? 443 : 80) ? bracketed(host) : host_port();
}

std::string Url::host_port() const {
  return fmt::format("{}:{}", bracketed(host), port);
}

Result<void> parse_authority(std::string_view text, Url& url) {
  std::string_view host = text;
  std::string_view rest;
  const bool brackets = text.starts_with('[');
  if (brackets) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return invalid("the ']' of the IPv6 address is missing");
    }
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (!rest.empty()) {
    if (!rest.starts_with(':')) {
      return invalid("after the IPv6 address only a port may stand");
    }
    Result<std::uint16_t> port = parse_port(rest.substr(1));
    if (!port) {
      return port.error();
    }
    url.port = *port;
  }
  url.host.assign(host);
  std::transform(url.host.begin(), url.host.end(), url.host.begin(), lower);
  if (!brackets) {
    return check_name(url.host);
  }
  if (!parses_as(AF_INET6, url.host)) {
    return invalid(fmt::format("'{}' is not an IPv6 address", printable(url.host)));
  }
  return {};
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string scheme(text.substr(0, text.find("://")));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
  if (scheme.size() == text.size() || (scheme != "https" && scheme != "http")) {
    return invalid("an address begins with https:// (or http:// for loopback)");
  }
  url.tls = scheme == "https";
  url.port = url.tls ? 443 : 80;
  text.remove_prefix(scheme.size() + 3);
  if (text.find_first_of("?#") != std::string_view::npos) {
    return invalid("an address has no query and no fragment");
  }
  const std::size_t slash = text.find('/');
  const std::string_view authority = text.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) {
    return invalid("an address holds no user name or password");
  }
  if (Result<void> parsed = parse_authority(authority, url); !parsed) {
    // A password may hold a '/' too: then what cannot be read is a part of it.
    return text.find('@') == std::string_view::npos ? parsed.error()
                                                    : invalid("an address holds no user name or password");
  }
  Result<std::string> prefix = parse_prefix(slash == std::string_view::npos ? "" : text.substr(slash));
  if (!prefix) {
    return prefix.error();
  }
  url.prefix = std::move(*prefix);
  return url;
}

bool is_ip_address(std::string_view host) {
  return parses_as(AF_INET, host) || parses_as(AF_INET6, host);
}

bool is_loopback_host(std::string_view host) {
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(), lower);
  if (name == "localhost") {
    return true;
  }
  if (in_addr v4{}; inet_pton(AF_INET, name.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24U) == 127;
  }
  in6_addr v6{};
  return inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace usherd
