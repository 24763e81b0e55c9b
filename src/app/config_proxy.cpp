#include "usherd/app/config_proxy.hpp"

#include "usherd/core/url.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

namespace usherd {
namespace {

struct Variable {
  std::string name;
  std::string value;
};

/// The first of the names that is set and not empty; the lower case one first, as curl has it.
std::optional<Variable> first_set(const Environment& environment, const std::array<std::string, 2>& names) {
  for (const auto& name : names) {
    if (auto value = environment(name); value && !value->empty())
      return Variable{name, std::move(*value)};
  }
  return std::nullopt;
}

Result<ProxyAddress> parse_proxy_variable(const Variable& variable) {
  auto proxy = parse_proxy_url(variable.value);
  if (proxy)
    return proxy;
  return Error{Errc::invalid,
               fmt::format("{}: {}; set api.proxy, and api.proxy_credentials_file for its password",
                           variable.name, proxy.error().message)};
}

}  // namespace

Result<std::optional<ProxyAddress>> choose_proxy(const ApiConfig& api, const Environment& environment) {
  if (!api.proxy.empty()) {
    auto url = parse_url(api.proxy);
    if (!url)
      return url.error().within("api.proxy");
    return std::optional(ProxyAddress{std::move(url->host), url->port});
  }
  auto target = parse_url(api.base_url);
  if (!target)
    return target.error().within("api.base_url");
  if (!target->tls)
    return std::optional<ProxyAddress>();
  const auto variable = first_set(environment, {"https_proxy", "HTTPS_PROXY"});
  if (!variable)
    return std::optional<ProxyAddress>();
  if (const auto exceptions = first_set(environment, {"no_proxy", "NO_PROXY"});
      exceptions && bypasses_proxy(exceptions->value, target->host, target->port))
    return std::optional<ProxyAddress>();
  auto proxy = parse_proxy_variable(*variable);
  if (!proxy)
    return proxy.error();
  return std::optional(std::move(*proxy));
}

}  // namespace usherd
