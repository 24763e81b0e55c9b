#pragma once

#include <boost/json/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace usherd::fuzz {

/// Ends the program, which is what a fuzzer looks for, unless `holds`.
inline void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
  }
}

/// What a second, strict parser makes of `text`; nothing where it refuses it, with `why` if that is wanted.
inline std::optional<boost::json::value> parse_strictly(std::string_view text,
                                                        boost::json::error_code* why = nullptr) {
  boost::json::parse_options options;
  options.max_depth = 2000;
  boost::json::error_code error;
  auto value = boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (why != nullptr)
    *why = error;
  if (error)
    return std::nullopt;
  return value;
}

}  // namespace usherd::fuzz
