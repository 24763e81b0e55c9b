#include "src/sandbox/certificate_authority.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdint>

namespace usherd::sandbox {

void KeyFree::operator()(EVP_PKEY* key) const {
  EVP_PKEY_free(key);
}
void CertificateFree::operator()(X509* certificate) const {
  X509_free(certificate);
}

namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Memory = std::unique_ptr<BIO, BioFree>;

Error failed(std::string_view what) {
  return Error{Errc::io, "making a certificate: " + std::string(what)};
}

std::string text_of(const Memory& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string pem_of(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(memory);
}

std::string pem_of(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  return text_of(memory);
}

Memory memory_over(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool add_extension(X509* certificate, X509* issuer, int which, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str());
  if (extension == nullptr)
    return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

/// A version 3 certificate with a random serial, its validity and its subject; not signed yet.
X509Certificate blank(EVP_PKEY* key, std::string_view common_name, int from_days, int until_days) {
  X509Certificate certificate(X509_new());
  std::array<unsigned char, 8> serial{};
  RAND_bytes(serial.data(), static_cast<int>(serial.size()));
  std::uint64_t number = 1;
  for (const unsigned char byte : serial)
    number = (number << 8 | byte) & 0x7FFF'FFFF'FFFF'FFFFULL;
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), number);
  X509_time_adj_ex(X509_getm_notBefore(certificate.get()), from_days, 0, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), until_days, 0, nullptr);
  X509_set_pubkey(certificate.get(), key);
  const std::string name(common_name);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.data()),
                             static_cast<int>(name.size()), -1, 0);
  return certificate;
}

}  // namespace

CertificateAuthority::CertificateAuthority(PrivateKey key, X509Certificate certificate, Identity identity)
    : key_(std::move(key)), certificate_(std::move(certificate)), identity_(std::move(identity)) {}

Result<CertificateAuthority> CertificateAuthority::make(std::string_view common_name) {
  PrivateKey key(EVP_EC_gen("P-256"));
  if (!key)
    return failed("no key");
  X509Certificate certificate = blank(key.get(), common_name, -1, 3650);
  X509* raw = certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(raw));
  if (!add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE") ||
      !add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(raw, raw, NID_subject_key_identifier, "hash") ||
      X509_sign(raw, key.get(), EVP_sha256()) == 0)
    return failed("the authority was not signed");
  Identity identity;
  identity.certificate = pem_of(raw);
  identity.key = pem_of(key.get());
  return CertificateAuthority(std::move(key), std::move(certificate), std::move(identity));
}

Result<CertificateAuthority> CertificateAuthority::load(const Identity& identity) {
  const Memory key_text = memory_over(identity.key);
  const Memory certificate_text = memory_over(identity.certificate);
  PrivateKey key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  X509Certificate certificate(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  if (!key || !certificate || X509_check_private_key(certificate.get(), key.get()) != 1)
    return Error{Errc::corrupt,
                 "the certificate authority's files do not hold a matching key and certificate"};
  return CertificateAuthority(std::move(key), std::move(certificate), identity);
}

Result<Identity> CertificateAuthority::issue(const CertificateWish& wish) const {
  const PrivateKey key(EVP_EC_gen("P-256"));
  if (!key)
    return failed("no key");
  const X509Certificate certificate = blank(key.get(), "usher-sandbox", wish.from_days, wish.until_days);
  X509* raw = certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(certificate_.get()));
  std::string names;
  for (const std::string& name : wish.names)
    names += (names.empty() ? "" : ",") + name;
  if (!add_extension(raw, certificate_.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(raw, certificate_.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(raw, certificate_.get(), NID_ext_key_usage, "serverAuth") ||
      !add_extension(raw, certificate_.get(), NID_subject_alt_name, names) ||
      !add_extension(raw, certificate_.get(), NID_authority_key_identifier, "keyid") ||
      X509_sign(raw, key_.get(), EVP_sha256()) == 0)
    return failed("the server's certificate was not signed");
  Identity identity;
  identity.certificate = pem_of(raw);
  identity.key = pem_of(key.get());
  return identity;
}

}  // namespace usherd::sandbox
