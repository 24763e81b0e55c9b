#include "config_values.hpp"

#include "usherd/core/text.hpp"
#include "usherd/core/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace usherd {
namespace {

constexpr std::size_t kMostHosts = 32;
/// sizeof(sockaddr_un::sun_path) without the final NUL and the `.new` under which the socket is made.
constexpr std::size_t kMostSocketPath = 103;

Verdict read_one_host(const YamlNode& node, std::string& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  if (text.find("://") != std::string::npos)
    return Objection{fmt::format("'{}' is not a host name", printable(text, 60)),
                     "write a name, without https://"};
  Url url;
  url.port = 0;
  if (const auto parsed = parse_authority(text, url); !parsed)
    return Objection{parsed.error().message, "write a host name or an address"};
  if (url.port != 0)
    return Objection{fmt::format("'{}' has a port", printable(text, 60)), "write the name without a port"};
  into = url.host;
  return std::nullopt;
}

/// Every bad one is named; what differs in what to do is said for all.
void add_objection(Verdict& all, Objection one) {
  if (!all) {
    all = std::move(one);
    return;
  }
  all->message += ", " + one.message;
  if (all->hint != one.hint)
    all->hint = "write names alone, without https:// and without ports";
}

}  // namespace

Verdict read_path(const YamlNode& node, std::string& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  if (text.empty()) {
    into.clear();
    return std::nullopt;
  }
  if (text.front() != '/')
    return Objection{fmt::format("'{}' is not an absolute path", printable(text, 100)), "begin it with /"};
  auto clean = std::filesystem::path(text).lexically_normal().string();
  while (clean.size() > 1 && clean.back() == '/')
    clean.pop_back();
  into = clean;
  return std::nullopt;
}

Verdict read_secret_file(const YamlNode& node, std::string& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  // Most likely the secret itself, which no log may show.
  if (!text.empty() && text.front() != '/')
    return Objection{"is not an absolute path",
                     "name the file, beginning with /; the secret itself stands in it alone"};
  return read_path(node, into);
}

Verdict read_directory(const YamlNode& node, std::string& into) {
  std::string path;
  if (auto objection = read_path(node, path))
    return objection;
  if (path == "/")
    return Objection{"the root directory cannot be used", "name a directory of usherd's own"};
  into = path;
  return std::nullopt;
}

Verdict read_socket_path(const YamlNode& node, std::string& into) {
  std::string path;
  if (auto objection = read_directory(node, path))
    return objection;
  if (path.size() > kMostSocketPath)
    return Objection{fmt::format("is {} bytes long", path.size()),
                     fmt::format("a socket's path has at most {}", kMostSocketPath)};
  into = path;
  return std::nullopt;
}

Verdict read_base_url(const YamlNode& node, std::string& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  const auto url = parse_url(text);
  if (!url)
    return Objection{url.error().message, "write it as https://api.fullstory.com"};
  if (!url->tls && !is_loopback_host(url->host))
    return Objection{fmt::format("http:// would send the API key to {} unencrypted", url->host),
                     "use https://; http:// is for loopback only"};
  into = text;
  return std::nullopt;
}

Verdict read_proxy(const YamlNode& node, std::string& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  if (text.empty()) {
    into.clear();
    return std::nullopt;
  }
  if (text.find('@') != std::string::npos)
    return Objection{"an address holds no user name or password",
                     "put user:password into api.proxy_credentials_file"};
  const Objection no_proxy{fmt::format("'{}' is not a proxy's address", printable(text, 100)),
                           "write it as http://host:port"};
  const auto url = parse_url(text);
  // What is wrong with the scheme is told in words for base_url.
  if (!url)
    return text.starts_with("http") ? Objection{url.error().message, no_proxy.hint} : no_proxy;
  const bool names_port =
      text.ends_with(fmt::format(":{}", url->port)) || text.ends_with(fmt::format(":{}/", url->port));
  if (url->tls || !url->prefix.empty() || !names_port)
    return no_proxy;
  into = text;
  return std::nullopt;
}

Verdict read_listen(const YamlNode& node, std::string& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  if (text.empty()) {
    into.clear();
    return std::nullopt;
  }
  const std::string hint =
      "write it as 127.0.0.1:9786 or \"[::1]:9786\" in quotes, or leave it empty for no HTTP";
  // Port 0 is no port to connect to, but a fine one to listen on.
  const bool any_port = text.ends_with(":0");
  Url url;
  url.port = 0;
  if (const auto parsed = parse_authority(any_port ? text.substr(0, text.size() - 2) : text, url); !parsed)
    return Objection{parsed.error().message, hint};
  if (url.port == 0 && !any_port)
    return Objection{fmt::format("'{}' has no port", printable(text, 100)), hint};
  if (!is_ip_address(url.host))
    return Objection{fmt::format("'{}' is not an address of this machine", printable(url.host, 100)), hint};
  into = url.host_port();
  return std::nullopt;
}

Verdict read_hosts(const YamlNode& node, std::vector<std::string>& into) {
  const std::string hint = "write a list, as in [status.example.com]";
  if (node.kind != YamlNode::Kind::list)
    return Objection{"must be a list of host names", hint};
  if (node.items.size() > kMostHosts)
    return Objection{fmt::format("has {} host names", node.items.size()),
                     fmt::format("at most {}", kMostHosts)};
  std::vector<std::string> hosts;
  Verdict bad;
  for (const auto& item : node.items) {
    std::string host;
    if (auto objection = read_one_host(item, host))
      add_objection(bad, std::move(*objection));
    else if (std::find(hosts.begin(), hosts.end(), host) == hosts.end())
      hosts.push_back(std::move(host));
  }
  if (bad)
    return bad;
  into = std::move(hosts);
  return std::nullopt;
}

}  // namespace usherd
