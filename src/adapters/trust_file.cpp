#include "src/adapters/trust_file.hpp"

#include "src/adapters/descriptor.hpp"
#include "src/adapters/tls_context.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace usherd {
namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::string_view kWhatToName = "name one file that holds the CA's certificates in PEM format";

struct FreePem {
  void operator()(BIO* text) const { BIO_free(text); }
  void operator()(STACK_OF(X509_INFO) * entries) const { sk_X509_INFO_pop_free(entries, X509_INFO_free); }
};

Error unfit(std::string_view why) {
  return {Errc::invalid, fmt::format("{}; {}", why, kWhatToName)};
}

Error system_fault() {
  const int number = errno;
  const std::string why = std::generic_category().message(number);
  return number == EACCES || number == EPERM ? Error{Errc::denied, why + "; usherd must be able to read it"}
                                             : unfit(why);
}

Result<std::string> read_whole(const std::string& file) {
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (opened.get() < 0 || ::fstat(opened.get(), &status) != 0) {
    return system_fault();
  }
  if (!S_ISREG(status.st_mode)) {
    return unfit(S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file");
  }
  std::string text;
  std::array<char, 16384> piece;
  for (;;) {
    const auto count = ::read(opened.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return system_fault();
    }
    if (count == 0) {
      return text;
    }
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > kMostBytes) {
      return unfit("is larger than 16 MiB");
    }
  }
}

Result<void> add_all(X509_STORE* store, const std::string& pem) {
  ERR_clear_error();
  const std::unique_ptr<BIO, FreePem> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // An empty passphrase: nobody is asked for one at the terminal.
  char none[] = "";
  const std::unique_ptr<STACK_OF(X509_INFO), FreePem> entries(
      text == nullptr ? nullptr : PEM_X509_INFO_read_bio(text.get(), nullptr, nullptr, none));
  if (entries == nullptr) {
    return unfit(fmt::format("is damaged: {}", describe_tls_failure(nullptr)));
  }
  int certificates = 0;
  for (int i = 0; i < sk_X509_INFO_num(entries.get()); ++i) {
    const X509_INFO* entry = sk_X509_INFO_value(entries.get(), i);
    const bool added = (entry->x509 == nullptr || X509_STORE_add_cert(store, entry->x509) == 1) &&
                       (entry->crl == nullptr || X509_STORE_add_crl(store, entry->crl) == 1);
    if (!added) {
      return unfit(describe_tls_failure(nullptr));
    }
    certificates += entry->x509 != nullptr ? 1 : 0;
  }
  if (certificates == 0) {
    return unfit("holds no certificate");
  }
  return {};
}

}  // namespace

Result<void> trust_file(SSL_CTX* context, const std::string& file) {
  const auto text = read_whole(file);
  const Result<void> added =
      text ? add_all(SSL_CTX_get_cert_store(context), *text) : Result<void>(text.error());
  if (!added) {
    return added.error().within(fmt::format("api.ca_file {}", printable(file)));
  }
  return {};
}

}  // namespace usherd
