#pragma once

#include "usherd/core/clock.hpp"

#include <optional>

namespace usherd {

/// How much of the organisation's limits is used after 429s said that neighbours have the rest: all until the
/// first refusal, then less, growing back with time and accepted POSTs. After CUBIC (RFC 9438): a refusal is
/// what a lost packet is there, as nobody tells the level, it is only overstepped. All levels are parts of
/// the limits, 0 to 1. Pure.
class RefusedLevel {
 public:
  [[nodiscard]] double usable() const { return usable_; }
  [[nodiscard]] bool is_whole() const { return usable_ >= 1; }
  /// POSTs that may be under way at once while the API holds `held`: each may be refused, and near the level
  /// all of them would be. Only while it is not whole.
  [[nodiscard]] double posts(double held) const;

  /// The API held `held` of ours and refused a batch that takes `place`.
  void refused(double held, double place, BootTime now);
  /// `full`: no other batch fits below what is usable.
  void accepted(bool full, BootTime now);
  /// When it grows by itself, nothing while it is whole.
  [[nodiscard]] std::optional<BootTime> grows_at() const;
  void grow(BootTime now);

 private:
  void step_down(double held, double place);
  void raise_to(double usable);
  [[nodiscard]] double curve(BootTime now) const;
  [[nodiscard]] BootClock::duration time_to_probe(double held) const;

  double usable_ = 1;
  double place_ = 0;                ///< what the batch takes that was refused last
  double held_ = 1;                 ///< what the API held at the last step down
  double held_before_ = 1;          ///< and at the one before
  double floor_ = 1;                ///< where the curve begins
  double plateau_ = 1;              ///< where it ends
  BootClock::duration rise_{};      ///< how long it takes
  BootClock::duration patience_{};  ///< from the last refusal to a probe above the plateau
  BootTime refused_at_{};
  BootTime stepped_at_{};  ///< along the curve
  BootTime moved_at_{};    ///< when a POST was last accepted or refused
  unsigned accepted_ = 0;  ///< POSTs since the last refusal
  unsigned steady_ = 0;    ///< steps down in a row that found the same level
  unsigned jumpy_ = 0;     ///< steps down for which probes stay rare, after a search
  unsigned idle_ = 0;      ///< whole minutes since moved_at_
  bool searches_ = false;  ///< refused twice with no POST accepted between
  bool probes_ = false;    ///< above the plateau
};

}  // namespace usherd
