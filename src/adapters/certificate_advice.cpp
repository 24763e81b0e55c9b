#include "src/adapters/certificate_advice.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>
#include <memory>
#include <string_view>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kMostNames = 5;
constexpr std::size_t kMostName = 80;

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::string_view text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

/// Empty for what is neither a host name nor an address.
std::string name_of(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS)
    return printable(text_of(name->d.dNSName), kMostName);
  if (name->type != GEN_IPADD)
    return "";
  const auto bytes = text_of(name->d.iPAddress);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  const bool whole = bytes.size() == 4 || bytes.size() == 16;
  return whole && inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr ? text.data() : "";
}

std::string names_of(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  const int count = all == nullptr ? 0 : sk_GENERAL_NAME_num(all.get());
  for (int i = 0; i < count && names.size() <= kMostNames; ++i) {
    if (auto name = name_of(sk_GENERAL_NAME_value(all.get(), i)); !name.empty())
      names.push_back(std::move(name));
  }
  if (names.size() > kMostNames)
    names.back() = "...";
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string advice_for_wrong_name(const SSL* ssl) {
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  const auto names = sk_X509_num(chain) > 0 ? names_of(sk_X509_value(chain, 0)) : "";
  return "api.base_url must hold a name that the certificate has" + (names.empty() ? "" : ": " + names);
}

}  // namespace

std::string certificate_advice(const SSL* ssl, long verified) {
  switch (verified) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "if a private CA signed it, as a proxy's that reads along, put the CA's certificate into "
             "api.ca_file";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return advice_for_wrong_name(ssl);
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "look at this machine's clock; if that is right, the server needs another certificate";
    default:
      return "";
  }
}

}  // namespace usherd
