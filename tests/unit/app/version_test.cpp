#include "usherd/app/version.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_CASE("the version names usherd and every library") {
  const auto text = usherd::version_text();
  CHECK(text.starts_with("usherd " + usherd::version() + "\nbuild "));
  for (const std::string name :
       {"OpenSSL ", "Boost 1.", "SQLite 3.", "simdjson ", "yaml-cpp 0.", "zlib 1.", "zstd 1.", "xxHash 0."}) {
    CAPTURE(name);
    CHECK(text.find("\n" + name) != std::string::npos);
  }
}
