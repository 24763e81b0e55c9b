#pragma once

#include "usherd/core/result.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

namespace usherd {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SslPtr = std::unique_ptr<SSL, FreeSsl>;

/// Trust roots and rules of TLS towards one server: 1.2 and 1.3 only, certificate and host name always
/// verified. Keeps a few sessions for resumption. Must outlive the SSL objects it made; event loop only.
class TlsContext {
 public:
  /// With the system's trust roots, and those in `ca_file` where it is not empty. Errors name the file.
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> make(const std::string& ca_file);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext() = default;

  /// A client's TLS state that will accept nobody but `host`; resumes a kept session where there is one.
  [[nodiscard]] Result<SslPtr> client(const std::string& host);
  /// After a failed handshake: the next one starts from scratch.
  void forget_sessions() { sessions_.clear(); }

 private:
  TlsContext() = default;
  static int verify(X509_STORE_CTX* asked, void* self);
  static int keep_session(SSL* ssl, SSL_SESSION* session);
  void resume(SSL* ssl);

  std::unique_ptr<SSL_CTX, FreeSsl> context_;
  bool has_bundle_ = false;
  std::vector<std::unique_ptr<SSL_SESSION, FreeSsl>> sessions_;
};

/// Why the last call on this TLS state failed, in words; clears OpenSSL's error queue.
[[nodiscard]] std::string describe_tls_failure(const SSL* ssl);

}  // namespace usherd
