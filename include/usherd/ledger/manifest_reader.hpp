#pragma once

#include "usherd/ledger/manifest.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace usherd {

/// Reads an encoded manifest front to back, so that nobody needs to hold at once what it says: the runs, then
/// the literals.
class ManifestReader {
 public:
  /// `encoded` must outlive it. Errc::corrupt when it does not begin like a manifest.
  [[nodiscard]] static Result<ManifestReader> open(std::string_view encoded);

  [[nodiscard]] std::size_t runs_left() const { return runs_left_; }
  /// Known once no run is left.
  [[nodiscard]] std::size_t literals_left() const { return literals_left_; }
  /// The next run, while there is one; Errc::corrupt when the bytes are damaged. So with the literals.
  [[nodiscard]] Result<void> read(Run& run);
  [[nodiscard]] Result<void> read(Literal& literal);
  /// Nothing stands behind what was read.
  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

 private:
  explicit ManifestReader(std::string_view rest) : rest_(rest) {}
  [[nodiscard]] bool count_literals();

  std::string_view rest_;
  std::size_t runs_left_ = 0;
  std::size_t literals_left_ = 0;
  Run last_;  ///< the run before; of the sources, once no run is left
  std::uint64_t literals_end_ = 0;
};

/// What is said of bytes in the ledger that are no manifest.
[[nodiscard]] Error damaged_manifest();

}  // namespace usherd
