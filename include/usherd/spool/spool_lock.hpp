#pragma once

#include "usherd/core/result.hpp"
#include "usherd/spool/made_places.hpp"

#include <array>
#include <string>

namespace usherd {

/// Keeps a second usherd off one spool and one state directory for as long as it lives; the kernel lets go of
/// it when the process dies in any way. Owns two descriptors.
class SpoolLock {
 public:
  /// Errc::denied when another process holds either: "another usherd (pid 4711) holds DIRECTORY". Does not
  /// wait. Notes in `made` what it made.
  [[nodiscard]] static Result<SpoolLock> take(const std::string& spool, const std::string& state,
                                              MadePlaces* made = nullptr);
  /// The same in two steps, for who makes the state directory in between. Keeps all that is noted in `made`
  /// when the spool is held: its holder may be using that already.
  [[nodiscard]] static Result<SpoolLock> take_spool(const std::string& spool, MadePlaces* made = nullptr);
  [[nodiscard]] Result<void> take_state(const std::string& state, MadePlaces* made = nullptr);
  SpoolLock(SpoolLock&& other) noexcept;
  SpoolLock& operator=(SpoolLock&&) = delete;
  ~SpoolLock();

 private:
  SpoolLock() = default;
  std::string spool_;
  std::array<int, 2> descriptors_{-1, -1};
};

}  // namespace usherd
