#pragma once

#include "usherd/core/clock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

namespace usherd {

/// What a wait is for. Waits without a name are for tests; `tests/system/includes_test.py` refuses them in
/// src/.
enum class WaitFor : std::uint8_t {
  unnamed,
  intake,       ///< the next look into incoming/
  memory,       ///< blocks that are being sent, to read into
  linger,       ///< an unfilled batch
  budget,       ///< a shrunken budget's next step back
  gate,         ///< leave to send a request: tokens, Retry-After, the next probe
  exchange,     ///< the answer to a request
  post_again,   ///< the next try of a POST
  poll,         ///< the next look at a job
  page_again,   ///< the next try of a page of results
  identity,     ///< the next question whose the key is
  disk,         ///< the next try of a write
  settling,     ///< files to settle or to remove
  supervision,  ///< a signal, the end of a drain
  heartbeat,    ///< the next sign of life
  operators,    ///< the next picture for somebody who watches
};
inline constexpr std::size_t kWaitsFor = 16;

[[nodiscard]] std::string_view to_string(WaitFor what);

/// Everything the daemon waits for, by name and due time: a wait that does not end is then told from
/// patience. Event loop only; must outlive what it notes.
class Waits {
 public:
  /// A wait for as long as it lives.
  class Noted {
   public:
    Noted(Waits& waits, WaitFor what, BootTime due);
    Noted(const Noted&) = delete;
    Noted& operator=(const Noted&) = delete;
    ~Noted();
    /// It gets on: it need not have ended before `due`.
    void move_to(BootTime due);

   private:
    Waits& waits_;
    std::multimap<BootTime, WaitFor>::iterator at_;
  };
  struct Due {
    BootTime at{};
    WaitFor what = WaitFor::unnamed;
  };

  /// The one that ends first; nothing where nobody waits for a time.
  [[nodiscard]] std::optional<Due> first() const;
  /// How many wait for this and have a due time.
  [[nodiscard]] std::size_t timed(WaitFor what) const { return timed_[static_cast<std::size_t>(what)]; }
  [[nodiscard]] std::size_t size() const { return waits_.size(); }

 private:
  using All = std::multimap<BootTime, WaitFor>;
  [[nodiscard]] All::iterator add(WaitFor what, BootTime due);
  void remove(All::iterator wait);

  All waits_;
  std::array<std::size_t, kWaitsFor> timed_{};
};

}  // namespace usherd
