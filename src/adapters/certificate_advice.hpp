#pragma once

#include <openssl/ssl.h>

#include <string>

namespace usherd {

/// What to do about a certificate that was not believed, with the names that it has where none of them was
/// the one asked for; made printable and cut. Empty where nothing is known to help. `verified` is OpenSSL's
/// verdict.
[[nodiscard]] std::string certificate_advice(const SSL* ssl, long verified);

}  // namespace usherd
