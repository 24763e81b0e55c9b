#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace usherd {

/// How a file begins that is being dropped, until it gets its name.
inline constexpr std::string_view kSubmitPrefix = ".usherd-submit-";

/// Gives the next bytes of what is dropped; 0 at its end.
using DropSource = std::function<Result<std::size_t>(std::span<char>)>;

/// Whether usherd would take a file of this name as it stands; the error says what is wrong with it.
[[nodiscard]] Result<void> check_drop_name(const std::string& name);

/// Copies `source` into incoming/ under a hidden name, syncs it and renames it to `name`, or to `name` with a
/// number where that is taken there. Returns the name it got. Nothing stays behind on an error. Lists and
/// reads nothing in incoming/, so that a mere member of usherd-submit may do it. Blocks.
[[nodiscard]] Result<std::string> drop(Files& files, const SpoolLayout& layout, const std::string& name,
                                       const DropSource& source);

/// The first half of that: the copy, synced, under a hidden name that begins with `beginning`, which it
/// returns. Who calls it shows it, or removes it.
[[nodiscard]] Result<std::string> stage_drop(Files& files, const SpoolLayout& layout, const std::string& name,
                                             std::string_view beginning, const DropSource& source);

/// The whole for a file of this machine, under the last part of its path. Follows symbolic links: it is the
/// caller's own choice of file.
[[nodiscard]] Result<std::string> drop_file(Files& files, const SpoolLayout& layout, const std::string& path);

/// The same for an open descriptor, as stdin, which is not closed. SIGINT, SIGTERM and SIGHUP wait until
/// nothing is left behind, and then end the process.
[[nodiscard]] Result<std::string> drop_descriptor(Files& files, const SpoolLayout& layout,
                                                  const std::string& name, int descriptor);

}  // namespace usherd
