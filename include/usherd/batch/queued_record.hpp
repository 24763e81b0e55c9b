#pragma once

#include "usherd/validate/record.hpp"

#include <cstdint>

namespace usherd {

/// Set in Record::flags by the batcher: the record goes by itself and stands in the ledger among the singles.
inline constexpr std::uint8_t kSingle = 0x40;
/// Set in Record::flags: its bytes are not those that were accepted. It must never be sent.
inline constexpr std::uint8_t kChanged = 0x20;

/// A record on its way, with the file it stands in (a slot of the daemon's table of open files).
struct QueuedRecord {
  Record record;
  std::uint32_t file = 0;
};

}  // namespace usherd
