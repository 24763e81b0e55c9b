#include "src/sandbox/access.hpp"

#include "src/sandbox/setting_words.hpp"

namespace usherd::sandbox {

void Access::accept(std::string key) {
  key_ = std::move(key);
  revoked_ = false;
}

bool Access::allows(std::string_view authorization, Region region) const {
  constexpr std::string_view kScheme = "Basic ";
  if (revoked_ || !authorization.starts_with(kScheme) || authorization.substr(kScheme.size()) != key_)
    return false;
  if (region == Region::any)
    return true;
  // Keys made before regions had names carry none and are taken by every host.
  const std::string_view key = key_;
  const bool named = key.starts_with("na1.") || key.starts_with("eu1.");
  return !named || key.substr(0, 3) == word(region);
}

}  // namespace usherd::sandbox
