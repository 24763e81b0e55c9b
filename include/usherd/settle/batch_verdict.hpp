#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// How one operation of a batch ended.
enum class OperationEnd : std::uint8_t { imported, rejected, unknown };

/// Why operations did not end as imported; shared by many of them.
struct Reason {
  std::string code;
  std::string message;
};

/// How many records ended for one reason.
struct ReasonCounts {
  std::uint64_t rejected = 0;
  std::uint64_t unknown = 0;
};

/// How a whole batch ended: what is not listed was imported. Entries stand in order of their index.
struct BatchVerdict {
  struct Entry {
    std::uint32_t index = 0;
    OperationEnd end = OperationEnd::unknown;
    std::uint32_t reason = 0;
  };
  /// Why all of a batch ended in one way; the texts must outlive it.
  struct Why {
    std::string_view code;
    std::string_view message;
  };
  std::vector<Entry> entries;
  std::vector<Reason> reasons;

  /// Every one of `operations` ended in the same way.
  [[nodiscard]] static BatchVerdict all(std::uint64_t operations, OperationEnd end, std::string_view code,
                                        std::string_view message);
};

}  // namespace usherd
