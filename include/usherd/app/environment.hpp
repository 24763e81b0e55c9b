#pragma once

#include "usherd/app/config.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace usherd {

/// The environment variables of this process, or a test's: the value of a name, or nothing where it is not
/// set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

[[nodiscard]] Environment process_environment();

/// What log.format means where stderr is the file of that device and inode: the journal when JOURNAL_STREAM
/// names exactly this file (a variable inherited by a shell names another), text otherwise.
[[nodiscard]] LogFormat choose_log_format(LogFormatChoice choice, const Environment& environment,
                                          std::uint64_t device, std::uint64_t inode);

}  // namespace usherd
