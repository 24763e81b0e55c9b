#pragma once

#include "usherd/core/result.hpp"

#include <simdjson.h>

#include <string>

namespace usherd::sandbox {

/// Parses request bodies, one at a time: what it returns is valid until the next call. Its buffers are
/// reused, and given back after a body far above the usual size.
class BodyParser {
 public:
  /// Errors: not JSON. `body` may be given more capacity, never other content.
  [[nodiscard]] Result<simdjson::dom::element> parse(std::string& body);

 private:
  simdjson::dom::parser parser_;
  std::size_t largest_ = 0;
};

/// The `requests` array of a batch body. Errors say what a 400 answer would.
[[nodiscard]] Result<simdjson::dom::array> requests_of(simdjson::dom::element body);

}  // namespace usherd::sandbox
