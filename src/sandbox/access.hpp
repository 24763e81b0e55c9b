#pragma once

#include "usherd/sandbox/settings.hpp"

#include <string>
#include <string_view>

namespace usherd::sandbox {

/// The one API key that is accepted, and whether it still is.
class Access {
 public:
  explicit Access(std::string key) : key_(std::move(key)) {}

  void accept(std::string key);
  void revoke() { revoked_ = true; }
  [[nodiscard]] const std::string& key() const { return key_; }

  /// Whether an Authorization header is "Basic " and the key verbatim, and the key is of this region.
  [[nodiscard]] bool allows(std::string_view authorization, Region region) const;

 private:
  std::string key_;
  bool revoked_ = false;
};

}  // namespace usherd::sandbox
