#include "usherd/app/version.hpp"

#include <boost/version.hpp>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <simdjson.h>
#include <sqlite3.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

namespace usherd {
namespace {

std::string xxhash_version() {
  const unsigned number = XXH_versionNumber();
  return fmt::format("{}.{}.{}", number / 10'000, number / 100 % 100, number % 100);
}

std::string boost_version() {
  return fmt::format("{}.{}.{}", BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
}

std::string simdjson_version() {
  using namespace simdjson;
  return fmt::format("{}.{}.{}", static_cast<int>(SIMDJSON_VERSION_MAJOR),
                     static_cast<int>(SIMDJSON_VERSION_MINOR), static_cast<int>(SIMDJSON_VERSION_REVISION));
}

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}", __clang_version__);
#else
  return fmt::format("g++ {}", __VERSION__);
#endif
}

}  // namespace

std::string version() {
  return USHERD_VERSION;
}

std::string version_text() {
  return fmt::format(
      "usherd {}\nbuild {}, {}\n{}\nBoost {}\nSQLite {}\nsimdjson {}\nyaml-cpp {}\nzlib {}\nzstd {}\nxxHash "
      "{}\n",
      version(), USHERD_BUILD_TYPE, compiler(), OpenSSL_version(OPENSSL_VERSION), boost_version(),
      sqlite3_libversion(), simdjson_version(), USHERD_YAML_CPP_VERSION, zlibVersion(), ZSTD_versionString(),
      xxhash_version());
}

}  // namespace usherd
