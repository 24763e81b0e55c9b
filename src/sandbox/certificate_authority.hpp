#pragma once

#include "usherd/core/result.hpp"

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::sandbox {

struct KeyFree {
  void operator()(EVP_PKEY* key) const;
};
struct CertificateFree {
  void operator()(X509* certificate) const;
};
using PrivateKey = std::unique_ptr<EVP_PKEY, KeyFree>;
using X509Certificate = std::unique_ptr<X509, CertificateFree>;

/// A certificate and its private key, both as PEM.
struct Identity {
  std::string certificate;
  std::string key;
};

/// What a server certificate is made out for.
struct CertificateWish {
  std::vector<std::string> names;  ///< "DNS:localhost", "IP:127.0.0.1"
  int from_days = -1;              ///< validity, in days from now
  int until_days = 3650;
};

/// A certificate authority of its own (EC P-256). Trusted by nobody who was not given certificate().
class CertificateAuthority {
 public:
  [[nodiscard]] static Result<CertificateAuthority> make(std::string_view common_name);
  /// An authority from what certificate() and key() once gave.
  [[nodiscard]] static Result<CertificateAuthority> load(const Identity& identity);

  [[nodiscard]] Result<Identity> issue(const CertificateWish& wish) const;
  [[nodiscard]] const Identity& identity() const { return identity_; }

 private:
  CertificateAuthority(PrivateKey key, X509Certificate certificate, Identity identity);

  PrivateKey key_;
  X509Certificate certificate_;
  Identity identity_;
};

}  // namespace usherd::sandbox
