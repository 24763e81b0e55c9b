#pragma once

#include "usherd/app/config.hpp"
#include "usherd/app/environment.hpp"
#include "usherd/core/result.hpp"
#include "usherd/core/url.hpp"

#include <optional>
#include <string_view>

namespace usherd {

/// The proxy that requests go through, without user name; nothing: none. api.proxy wins; else https_proxy or
/// HTTPS_PROXY, unless no_proxy or NO_PROXY names the API's host. The environment's is not used for plain
/// http and for loopback. An error names the variable and never repeats what it holds.
[[nodiscard]] Result<std::optional<Url>> choose_proxy(const ApiConfig& api, const Environment& environment);

/// Whether a NO_PROXY list ("a.example,.b.example,10.0.0.1:8080,*") names the host; a name stands for itself
/// and all below it.
[[nodiscard]] bool no_proxy_names(std::string_view list, const Url& target);

}  // namespace usherd
