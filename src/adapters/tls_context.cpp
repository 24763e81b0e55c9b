#include "src/adapters/tls_context.hpp"

#include "src/adapters/certificate_advice.hpp"
#include "src/adapters/trust_file.hpp"
#include "usherd/core/text.hpp"
#include "usherd/core/url.hpp"

#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

namespace usherd {
namespace {

constexpr std::size_t kMostSessions = 16;
constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

Error openssl_error(std::string_view what) {
  return {Errc::invalid, fmt::format("{}: {}", what, describe_tls_failure(nullptr))};
}

int slot() {
  static const int kSlot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kSlot;
}

bool verify_host(SSL* ssl, const std::string& host) {
  if (is_ip_address(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

struct FreeStoreContext {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};

/// Whether the chain holds with the roots known so far. Decides nothing but whether more are needed.
bool holds_already(X509_STORE_CTX* asked) {
  const std::unique_ptr<X509_STORE_CTX, FreeStoreContext> trial(X509_STORE_CTX_new());
  return trial != nullptr &&
         X509_STORE_CTX_init(trial.get(), X509_STORE_CTX_get0_store(asked), X509_STORE_CTX_get0_cert(asked),
                             X509_STORE_CTX_get0_untrusted(asked)) == 1 &&
         X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(trial.get()), X509_STORE_CTX_get0_param(asked)) ==
             1 &&
         X509_verify_cert(trial.get()) == 1;
}

}  // namespace

std::string describe_tls_failure(const SSL* ssl) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const long verified = ssl != nullptr ? SSL_get_verify_result(ssl) : X509_V_OK;
  if (verified != X509_V_OK) {
    const auto advice = certificate_advice(ssl, verified);
    const std::string why = X509_verify_cert_error_string(verified);
    return advice.empty() ? why : fmt::format("{}; {}", why, advice);
  }
  if (ERR_SYSTEM_ERROR(code)) {
    return Error::system(ERR_GET_REASON(code), "system").message;
  }
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "closed by the other side";
}

Result<std::unique_ptr<TlsContext>> TlsContext::make(const std::string& ca_file) {
  std::unique_ptr<TlsContext> made(new TlsContext);
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
    return openssl_error("TLS");
  }
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context, kHttp11.data(), kHttp11.size());
  if (SSL_CTX_set_default_verify_dir(context) != 1) {
    return openssl_error("the system's trust roots");
  }
  SSL_CTX_set_cert_verify_callback(context, verify, made.get());
  if (!ca_file.empty()) {
    if (auto added = trust_file(context, ca_file); !added) {
      return added.error();
    }
  }
  // A directory of roots that does not exist is no error, but leaves a trace in the queue.
  ERR_clear_error();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_ex_data(context, slot(), made.get());
  SSL_CTX_sess_set_new_cb(context, keep_session);
  return made;
}

/// The system's bundle of some 150 roots takes a tenth of a second to decode: it is read once a chain does
/// not hold without it. The verdict is OpenSSL's own in either case.
int TlsContext::verify(X509_STORE_CTX* asked, void* self) {
  auto& context = *static_cast<TlsContext*>(self);
  if (!context.has_bundle_ && !holds_already(asked)) {
    context.has_bundle_ = true;
    // Without it the directory of roots and ca_file stand alone.
    SSL_CTX_set_default_verify_file(context.context_.get());
    ERR_clear_error();
  }
  return X509_verify_cert(asked);
}

int TlsContext::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* self = static_cast<TlsContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot()));
  if (self->sessions_.size() >= kMostSessions) {
    self->sessions_.erase(self->sessions_.begin());
  }
  self->sessions_.emplace_back(session);
  return 1;
}

// A TLS 1.3 ticket is used once (RFC 8446 C.4); a 1.2 session may serve any number of connections.
void TlsContext::resume(SSL* ssl) {
  if (sessions_.empty()) {
    return;
  }
  SSL_SESSION* session = sessions_.back().get();
  SSL_set_session(ssl, session);
  if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) {
    sessions_.pop_back();
  }
}

Result<SslPtr> TlsContext::client(const std::string& host) {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl || !verify_host(ssl.get(), host)) {
    return openssl_error("TLS");
  }
  resume(ssl.get());
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace usherd
