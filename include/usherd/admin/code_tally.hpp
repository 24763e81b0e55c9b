#pragma once

#include "usherd/core/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Where a record was refused.
enum class RejectStage : std::uint8_t { local, api, unknown };
inline constexpr std::size_t kRejectStages = 3;
[[nodiscard]] std::string_view to_string(RejectStage stage);

/// How often records were refused with which code, and when last. Codes alone: no message and no person.
/// Holds at most kMost codes; the ones not seen for longest make room and are counted as "other". Pure.
class CodeTally {
 public:
  static constexpr std::size_t kMost = 32;
  struct Entry {
    RejectStage stage = RejectStage::local;
    std::string code;
    std::uint64_t count = 0;
    WallTime last{};
  };

  /// `code` must be fit for a label: an API's goes through log_code().
  void add(RejectStage stage, std::string_view code, std::uint64_t count, WallTime now);
  /// The latest first.
  [[nodiscard]] std::vector<Entry> latest() const;

 private:
  [[nodiscard]] Entry* find(RejectStage stage, std::string_view code);
  void make_room();
  std::vector<Entry> entries_;
};

}  // namespace usherd
