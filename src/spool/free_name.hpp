#pragma once

#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <string>
#include <string_view>
#include <unordered_set>

namespace usherd {

/// Finds names that nothing in the spool bears or is derived from. Keeps those it gave, so that two files of
/// one group never get one name. Blocks; uses the ledger: for the ledger's thread.
class FreeNames {
 public:
  FreeNames(Files& files, const SpoolLayout& layout, Ledger& ledger)
      : files_(files), layout_(layout), ledger_(ledger) {}

  /// `wanted` itself where it is free, else numbered; `dropped` is the file's own name in incoming/.
  [[nodiscard]] Result<std::string> claim(const std::string& wanted, std::string_view dropped);

 private:
  [[nodiscard]] Result<bool> is_free(const std::string& name, std::string_view dropped);
  [[nodiscard]] Result<bool> exists(const std::string& path);

  Files& files_;
  const SpoolLayout& layout_;
  Ledger& ledger_;
  std::unordered_set<std::string> given_;
};

}  // namespace usherd
