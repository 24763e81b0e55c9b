#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/units.hpp"
#include "usherd/sandbox/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace usherd::sandbox {

/// An answer as it is kept under an idempotency key.
struct KeptAnswer {
  unsigned status = 200;
  std::string body;
};

/// What the store says of a request that carries a key.
enum class KeyVerdict : std::uint8_t {
  execute,     ///< nothing is kept: the request runs
  replay,      ///< the kept answer is the answer
  other_body,  ///< the key is known with another body
  in_use       ///< the first request of this key has not been answered yet
};

/// The idempotency layer: one answer per key for `life`, under either wording of the contract. Pure: time is
/// passed.
class KeyStore {
 public:
  struct Decision {
    KeyVerdict verdict = KeyVerdict::execute;
    KeptAnswer answer;  ///< set for a replay
  };

  [[nodiscard]] Decision begin(std::string_view key, std::uint64_t digest, WallTime now,
                               const Settings& settings);
  /// The executed request's answer: kept, or not, by the wording in force. The key counts as in use until
  /// `answered`.
  void finish(std::string_view key, std::uint64_t digest, KeptAnswer answer, WallTime now, WallTime answered,
              const Settings& settings);
  void clear() { entries_.clear(); }

  /// NEW keeps all but 429 and server errors above 500; OLD keeps every answer.
  [[nodiscard]] static bool keeps(unsigned status, Idempotency wording);

 private:
  struct Entry {
    std::uint64_t digest = 0;
    WallTime made{};
    WallTime answered{};
    bool kept = false;
    KeptAnswer answer;
  };
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace usherd::sandbox
