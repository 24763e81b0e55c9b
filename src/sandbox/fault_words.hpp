#pragma once

#include "src/sandbox/setting_words.hpp"
#include "usherd/sandbox/fault.hpp"

#include <array>
#include <string_view>

namespace usherd::sandbox {

template <>
struct Words<Call> {
  static constexpr auto all = kCallNames;
};

template <>
struct Words<FaultAction> {
  static constexpr std::array all = std::to_array<std::string_view>(
      {"reset_before", "reset_mid_body", "hang", "redirect", "status", "delay", "job_stuck", "job_vanish",
       "job_vanish_applied", "job_fail", "job_status", "reset_after_commit", "hang_after_commit",
       "slow_headers", "slow_body", "truncate", "garbage", "close_after"});
};

template <>
struct Words<FaultBody> {
  static constexpr std::array all =
      std::to_array<std::string_view>({"json", "html", "empty", "truncated", "oversized"});
};

}  // namespace usherd::sandbox
