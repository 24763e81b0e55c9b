#pragma once

#include "src/sandbox/record_view.hpp"
#include "usherd/sandbox/settings.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace usherd::sandbox {

/// Why a record fails, in the API's words.
struct RecordFault {
  std::string_view code;
  std::string message;
};

inline constexpr std::size_t kMostProperties = 500;
inline constexpr std::size_t kMostNameLength = 512;
inline constexpr std::size_t kMostValueBytes = 8192;

/// The record rules of the contract (api.md section 3) that can be judged without knowing the user. A value
/// that is too large fails the record only when the settings say so; else it is dropped where the record is
/// applied.
[[nodiscard]] std::optional<RecordFault> check_record(const RecordView& record, const Settings& settings);

}  // namespace usherd::sandbox
