#pragma once

#include "usherd/core/result.hpp"

#include <openssl/ssl.h>

#include <string>

namespace usherd {

/// Adds the certificates of a PEM file, and its revocation lists, to what a TLS context trusts. Never waits
/// for the file: it is read whole, and only a regular one of at most 16 MiB. Errors (denied, invalid) name it
/// and say what to do.
[[nodiscard]] Result<void> trust_file(SSL_CTX* context, const std::string& file);

}  // namespace usherd
