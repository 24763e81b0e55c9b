#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace usherd::test {

struct FreeOpenssl {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using CertificatePtr = std::unique_ptr<X509, FreeOpenssl>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeOpenssl>;
using ContextPtr = std::unique_ptr<SSL_CTX, FreeOpenssl>;

/// A trust root made for this run, kept as a file as long as this lives, and the servers' certificates it
/// signs.
class Authority {
 public:
  explicit Authority(const char* name = "usherd test root");
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  ~Authority();

  [[nodiscard]] const std::string& file() const { return file_; }
  /// A server's TLS context. `names` as in a certificate's subjectAltName: "DNS:localhost,IP:127.0.0.1".
  /// Valid from yesterday until `days_left` from now.
  [[nodiscard]] ContextPtr server(const std::string& names, int days_left = 1) const;

 private:
  KeyPtr key_;
  CertificatePtr certificate_;
  std::string file_;
};

}  // namespace usherd::test
