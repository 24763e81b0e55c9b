#pragma once

#include "usherd/adapters/proxy_rules.hpp"
#include "usherd/app/config.hpp"
#include "usherd/app/environment.hpp"
#include "usherd/core/result.hpp"

#include <optional>

namespace usherd {

/// The proxy that requests go through, with the credentials that a variable holds; nothing: none. api.proxy
/// wins; else https_proxy or HTTPS_PROXY, unless no_proxy or NO_PROXY exempts the API's host
/// (bypasses_proxy()): also for a host on loopback, as curl has it. The environment's is not used for plain
/// http. An error names the variable and never repeats what it holds.
[[nodiscard]] Result<std::optional<ProxyAddress>> choose_proxy(const ApiConfig& api,
                                                               const Environment& environment);

}  // namespace usherd
