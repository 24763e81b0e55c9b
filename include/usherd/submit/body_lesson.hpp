#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"

#include <cstdint>
#include <optional>

namespace usherd {

/// How large a body may be, as refusals taught it. A 413 is the server's word and holds for the process.
/// Uploads that were cut may as well have met an outage, in which bodies of all sizes are: what they taught
/// is tried again after a while, and after twice as long each time that it proves true. Pure.
class BodyLesson {
 public:
  static constexpr Milliseconds kFirstTerm{600'000};

  /// A body of twice that size was refused with 413.
  void refused(std::uint64_t half);
  /// Uploads of a body of twice that size were cut again and again.
  void cut(std::uint64_t half, BootTime now);
  /// The most bytes of a body; nothing where nothing is known.
  [[nodiscard]] std::optional<std::uint64_t> most_bytes(BootTime now) const;

 private:
  std::optional<std::uint64_t> refused_;
  std::optional<std::uint64_t> cut_;
  BootTime forgotten_at_{};
  Milliseconds term_{0};
};

}  // namespace usherd
