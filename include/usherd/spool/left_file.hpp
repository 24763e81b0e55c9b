#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace usherd {

/// Why a file in incoming/ was not taken.
enum class LeftReason : std::uint8_t {
  unreadable,  ///< usherd may not read it
  symlink,
  directory,
  special,    ///< a FIFO, a socket or a device
  hard_link,  ///< it has another name, through which somebody may still write
  changing,   ///< it is being written
  vanished,   ///< its producer took it away again
  failed,     ///< the file system gave an error
  later,      ///< it came after a drain had started
};

/// A file that stays in incoming/, with what its operator can do about it.
struct LeftFile {
  std::string name;  ///< as bytes; make it printable before showing it
  LeftReason reason = LeftReason::failed;
  std::string detail;
};

/// How many there are, also of those that nobody keeps the names of.
using LeftCounts = std::map<LeftReason, std::uint64_t>;

/// One word, as in `status`: "unreadable", "symlink" ...
[[nodiscard]] std::string_view word_of(LeftReason reason);

/// What happened and how to set it right, in one sentence.
[[nodiscard]] LeftFile leave(std::string_view name, LeftReason reason, std::string_view why = {});

}  // namespace usherd
