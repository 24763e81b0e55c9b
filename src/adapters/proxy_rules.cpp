#include "usherd/adapters/proxy_rules.hpp"

#include "usherd/core/url.hpp"

#include <openssl/crypto.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace usherd {
namespace {

constexpr std::string_view kBlanks = ", \t";

struct Address {
  std::array<unsigned char, 16> bytes{};
  unsigned bits = 0;  // 32 or 128
};

std::optional<Address> parse_address(std::string_view text) {
  Address address;
  const std::string name(text);
  if (inet_pton(AF_INET, name.c_str(), address.bytes.data()) == 1) {
    address.bits = 32;
    return address;
  }
  if (inet_pton(AF_INET6, name.c_str(), address.bytes.data()) == 1) {
    address.bits = 128;
    return address;
  }
  return std::nullopt;
}

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

bool same_bits(const Address& a, const Address& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.bytes.begin(), a.bytes.begin() + whole, b.bytes.begin())) {
    return false;
  }
  const unsigned rest = bits % 8;
  return rest == 0 || ((a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest)) == 0;
}

bool matches_block(std::string_view block, const Address& host) {
  const std::size_t slash = block.find('/');
  const std::optional<Address> base = parse_address(block.substr(0, slash));
  if (!base || base->bits != host.bits) {
    return false;
  }
  unsigned bits = base->bits;
  if (slash != std::string_view::npos) {
    const std::optional<unsigned> given = parse_number(block.substr(slash + 1));
    if (!given || *given > bits) {
      return false;
    }
    bits = *given;
  }
  return same_bits(*base, host, bits);
}

std::string lower_without_dots(std::string_view name) {
  while (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  std::string result(name);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool matches_name(std::string_view entry, std::string_view host) {
  while (entry.starts_with('.')) {
    entry.remove_prefix(1);
  }
  const std::string suffix = lower_without_dots(entry);
  const std::string name = lower_without_dots(host);
  return !suffix.empty() && name.ends_with(suffix) &&
         (name.size() == suffix.size() || name[name.size() - suffix.size() - 1] == '.');
}

struct Entry {
  std::string_view host;
  std::optional<unsigned> port;
};

// "host:port" and "[v6]:port" have a port; a bare IPv6 address, full of colons, has none.
Entry split_port(std::string_view text) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end != std::string_view::npos) {
      host = text.substr(1, end - 1);
      rest = text.substr(end + 1);
    }
  } else if (const std::size_t colon = text.find(':');
             colon == text.rfind(':') && colon != std::string_view::npos) {
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (rest.empty()) {
    return {host, std::nullopt};
  }
  // What is no port matches none.
  return {host, rest.starts_with(':') ? parse_number(rest.substr(1)).value_or(0) : 0};
}

bool matches(std::string_view text, std::string_view host, std::uint16_t port) {
  const Entry entry = split_port(text);
  if (entry.port && *entry.port != port) {
    return false;
  }
  if (const std::optional<Address> address = parse_address(host)) {
    return matches_block(entry.host, *address);
  }
  return matches_name(entry.host, host);
}

Result<std::string> percent_decode(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned value = static_cast<unsigned char>(text[at]);
    if (text[at] == '%') {
      const std::string_view digits = text.substr(at + 1, 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) {
        return Error{Errc::invalid, "the proxy's credentials are not percent-encoded properly"};
      }
      at += 2;
    }
    result.push_back(static_cast<char>(value));
  }
  return result;
}

/// Of "user" or "user:password".
Result<std::shared_ptr<const Secret>> read_credentials(std::string_view text) {
  if (text.empty()) {
    return std::shared_ptr<const Secret>();
  }
  Result<std::string> decoded = percent_decode(text);
  if (!decoded) {
    return decoded.error();
  }
  if (text.find(':') == std::string_view::npos) {
    decoded->push_back(':');
  }
  auto credentials = std::make_shared<const Secret>(*decoded);
  OPENSSL_cleanse(decoded->data(), decoded->size());
  return std::shared_ptr<const Secret>(std::move(credentials));
}

}  // namespace

std::string ProxyAddress::host_port() const {
  Url url;
  url.host = host;
  url.port = port;
  return url.host_port();
}

Result<ProxyAddress> parse_proxy_url(std::string_view text) {
  ProxyAddress proxy;
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    if (lower_without_dots(text.substr(0, scheme)) != "http") {
      return Error{Errc::invalid, "only http:// proxies are spoken to"};
    }
    text.remove_prefix(scheme + 3);
  }
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    Result<std::shared_ptr<const Secret>> credentials = read_credentials(text.substr(0, at));
    if (!credentials) {
      return credentials.error();
    }
    proxy.credentials = std::move(*credentials);
    text.remove_prefix(at + 1);
  }
  if (text.ends_with('/')) {
    text.remove_suffix(1);
  }
  Url url;
  url.port = 80;
  if (!parse_authority(text, url)) {
    return Error{Errc::invalid, "a proxy's address is http://host:port"};
  }
  proxy.host = std::move(url.host);
  proxy.port = url.port;
  return proxy;
}

bool bypasses_proxy(std::string_view no_proxy, std::string_view host, std::uint16_t port) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  std::vector<std::string_view> entries;
  std::size_t at = 0;
  while ((at = no_proxy.find_first_not_of(kBlanks, at)) != std::string_view::npos) {
    const std::size_t end = std::min(no_proxy.find_first_of(kBlanks, at), no_proxy.size());
    entries.push_back(no_proxy.substr(at, end - at));
    at = end;
  }
  return std::any_of(entries.begin(), entries.end(),
                     [&](std::string_view entry) { return entry == "*" || matches(entry, host, port); });
}

}  // namespace usherd
