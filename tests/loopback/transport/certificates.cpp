#include "tests/loopback/transport/certificates.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace usherd::test {
namespace {

constexpr long kDay = 24 * 60 * 60;

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  if (extension == nullptr) {
    throw std::runtime_error("certificate extension " + value);
  }
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

CertificatePtr blank(EVP_PKEY* key, const char* name, long serial, int days_left) {
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days_left * kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

}  // namespace

Authority::Authority(const char* name) : key_(EVP_EC_gen("P-256")) {
  certificate_ = blank(key_.get(), name, 1, 1);
  X509* root = certificate_.get();
  X509_set_issuer_name(root, X509_get_subject_name(root));
  extend(root, root, NID_basic_constraints, "critical,CA:TRUE");
  extend(root, root, NID_key_usage, "critical,keyCertSign");
  X509_sign(root, key_.get(), EVP_sha256());
  std::string path = (std::filesystem::temp_directory_path() / "usherd-root-XXXXXX").string();
  const int descriptor = ::mkstemp(path.data());
  FILE* file = ::fdopen(descriptor, "w");
  PEM_write_X509(file, root);
  std::fclose(file);
  file_ = path;
}

Authority::~Authority() {
  ::unlink(file_.c_str());
}

ContextPtr Authority::server(const std::string& names, int days_left) const {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate = blank(key.get(), "usherd test server", 2, days_left);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  extend(certificate.get(), certificate_.get(), NID_subject_alt_name, names);
  X509_sign(certificate.get(), key_.get(), EVP_sha256());
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(context.get(), certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  return context;
}

}  // namespace usherd::test
