#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace usherd::sandbox {

/// What a request asks of the API; `other` is whatever no path of the API answers to.
enum class Call : std::uint8_t {
  create,
  status,
  imports,
  errors,
  me,
  user_create,
  user_update,
  user_get,
  user_list,
  user_delete,
  other
};

inline constexpr std::array kCallNames =
    std::to_array<std::string_view>({"create", "status", "imports", "errors", "me", "user_create",
                                     "user_update", "user_get", "user_list", "user_delete", "other"});

[[nodiscard]] constexpr std::string_view name_of(Call call) {
  return kCallNames[static_cast<std::size_t>(call)];
}

}  // namespace usherd::sandbox
