#pragma once

#include "usherd/core/text.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace usherd {

/// Which rule a record broke. The code is a literal of docs/rejects.md.
struct Fault {
  std::string_view code;
  std::string message;

  /// Always false, so that a check can end with `return fault.set(...)`.
  bool set(std::string_view new_code, std::string new_message) {
    code = new_code;
    message = std::move(new_message);
    return false;
  }
};

/// A name of the record made fit for a message.
[[nodiscard]] inline std::string shown(std::string_view name) {
  return name.empty() ? "\"\"" : printable(name, 60);
}

}  // namespace usherd
