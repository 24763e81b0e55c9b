#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace usherd {

/// The one source of chance: jitter and ids draw from it, so that a seeded one makes a run repeatable.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  /// Seeded from the operating system.
  [[nodiscard]] static Random from_system();
  /// Evenly from 0 to `most`, both included.
  [[nodiscard]] std::uint64_t up_to(std::uint64_t most);
  [[nodiscard]] double unit();
  /// A version 4 UUID; as unguessable as the seed.
  [[nodiscard]] std::string uuid();

 private:
  std::mt19937_64 engine_;
};

}  // namespace usherd
