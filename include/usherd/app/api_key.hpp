#pragma once

#include "usherd/app/environment.hpp"
#include "usherd/core/result.hpp"
#include "usherd/core/secret.hpp"

#include <string>

namespace usherd {

/// The API key: the systemd credential `api-key` where there is one, else the key file. White space around it
/// is cut off. Refused: a file that is empty, not regular, over 4 KiB, or readable by all; a key with inner
/// white space, control or non-ASCII characters. Errors name the file and what to do, never what it holds.
[[nodiscard]] Result<Secret> read_api_key(const std::string& key_file, const Environment& environment);

/// Whether systemd handed a credential `api-key` over, so that the key file is not looked at.
[[nodiscard]] bool has_credential_key(const Environment& environment);

/// "user:password" for the proxy, under the same rules, save that spaces within are kept.
[[nodiscard]] Result<Secret> read_proxy_credentials(const std::string& file);

/// From here on the kernel writes no core dump of this process and lets no other process of the user read it.
[[nodiscard]] Result<void> forbid_core_dumps();

}  // namespace usherd
