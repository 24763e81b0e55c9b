#include "src/settle/moves.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

namespace usherd {

Result<bool> is_there(Files& files, const std::string& path) {
  const auto found = files.stat(path);
  if (found)
    return true;
  if (found.error().code == Errc::not_found)
    return false;
  return found.error();
}

namespace {

/// Both names are there. A file system without a rename that never replaces makes a second name first and
/// removes the old one then; a crash between leaves two names of one file.
Result<void> finish_half_move(Files& files, const std::string& from, const std::string& to) {
  const auto source = files.stat(from);
  if (!source)
    return source.error();
  const auto target = files.stat(to);
  if (!target)
    return target.error();
  if (source->device == target->device && source->inode == target->inode)
    return files.remove(from);
  return Error{Errc::exists, fmt::format("{} is there already and is another file than {}: move it away",
                                         printable(to, 400), printable(from, 400))};
}

}  // namespace

Result<void> move_once(Files& files, const std::string& from, const std::string& to) {
  auto renamed = files.rename(from, to);
  if (renamed)
    return renamed;
  if (renamed.error().code != Errc::not_found && renamed.error().code != Errc::exists)
    return renamed;
  const auto source = is_there(files, from);
  if (!source)
    return source.error();
  const auto target = is_there(files, to);
  if (!target)
    return target.error();
  if (*source && *target)
    return finish_half_move(files, from, to);
  if (*target)
    return {};
  if (*source)
    return renamed;
  return Error{Errc::corrupt,
               fmt::format("neither {} nor {} is there", printable(from, 400), printable(to, 400))};
}

}  // namespace usherd
