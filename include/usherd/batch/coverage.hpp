#pragma once

#include "usherd/ledger/rows.hpp"

#include <cstdint>
#include <vector>

namespace usherd {

/// The parts of one file that batches hold already, so that a restart reads only what is between them. Pure.
class Coverage {
 public:
  /// Adds what a manifest holds of `file` at or past `mark`, which stands between two lines.
  void add(const Manifest& manifest, FileNumber file, const ReadMark& mark);
  void add(const Run& run);
  /// Sorts and joins neighbours; call once after the last add().
  void close();

  /// The first covered run that ends after `offset`; nullptr when there is none.
  [[nodiscard]] const Run* next(std::uint64_t offset) const;
  [[nodiscard]] bool empty() const { return runs_.empty(); }

 private:
  void join();
  std::vector<Run> runs_;
  std::size_t sorted_ = 0;
};

}  // namespace usherd
