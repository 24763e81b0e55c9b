#include "usherd/app/config_proxy.hpp"

#include "usherd/adapters/proxy_rules.hpp"

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

Result<Url> parse_proxy_variable(const Variable& variable) {
  const auto address =
      variable.value.find("://") == std::string::npos ? "http://" + variable.value : variable.value;
  auto url = parse_url(address);
  if (url && !url->tls && url->prefix.empty())
    return url;
  const auto why = url ? std::string("a proxy's address is http://host:port") : url.error().message;
  return Error{Errc::invalid,
               fmt::format("{}: {}; set api.proxy, and api.proxy_credentials_file for its password",
                           variable.name, why)};
}

}  // namespace

Result<std::optional<Url>> choose_proxy(const ApiConfig& api, const Environment& environment) {
  if (!api.proxy.empty()) {
    auto url = parse_url(api.proxy);
    if (!url)
      return url.error().within("api.proxy");
    return std::optional<Url>(std::move(*url));
  }
  auto target = parse_url(api.base_url);
  if (!target)
    return target.error().within("api.base_url");
  if (!target->tls)
    return std::optional<Url>();
  const auto variable = first_set(environment, {"https_proxy", "HTTPS_PROXY"});
  if (!variable)
    return std::optional<Url>();
  if (const auto exceptions = first_set(environment, {"no_proxy", "NO_PROXY"});
      exceptions && bypasses_proxy(exceptions->value, target->host, target->port))
    return std::optional<Url>();
  auto url = parse_proxy_variable(*variable);
  if (!url)
    return url.error();
  return std::optional<Url>(std::move(*url));
}

}  // namespace usherd
