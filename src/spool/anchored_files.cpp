#include "usherd/spool/anchored_files.hpp"

#include <fmt/format.h>

#include <utility>

namespace usherd {
namespace {

/// What was done while the spool stood there, before and after.
template <class Call>
auto while_held(const Call& call, const AnchoredFiles& files) -> decltype(call()) {
  if (auto held = files.holds(); !held)
    return held.error();
  auto done = call();
  if (auto held = files.holds(); !held)
    return held.error();
  return done;
}

template <class Found>
bool says_gone(const Found& found) {
  return !found && is_gone(found.error());
}

}  // namespace

Result<FolderIdentity> FolderIdentity::of(Files& files, const std::string& folder) {
  const auto stat = files.stat(folder);
  if (!stat)
    return stat.error();
  return FolderIdentity{stat->device, stat->inode};
}

AnchoredFiles::AnchoredFiles(Files& disk, const SpoolLayout& layout, FolderIdentity working)
    : disk_(disk), root_(layout.root()), folder_(layout.working()), working_(working) {}

Result<void> AnchoredFiles::holds() const {
  const auto found = FolderIdentity::of(disk_, folder_);
  if (found && *found == working_)
    return {};
  if (found)
    return Error{Errc::io, fmt::format("{} is another folder than at the start, as where its disk is not "
                                       "mounted: bring the right one back, or restart usherd if this is it",
                                       folder_)};
  if (!is_gone(found.error()))
    return found.error();
  return Error{Errc::io, fmt::format("{} is away: mount its disk again, or bring the folder back", folder_)};
}

bool AnchoredFiles::is_inside(const std::string& path) const {
  return path.starts_with(root_) && (path.size() == root_.size() || path[root_.size()] == '/');
}

Result<std::unique_ptr<ReadFile>> AnchoredFiles::open(const std::string& path) {
  auto opened = disk_.open(path);
  if (!is_inside(path))
    return opened;
  if (auto held = holds(); !held)
    return held.error();
  // It may have come back just now.
  return says_gone(opened) ? disk_.open(path) : std::move(opened);
}

Result<std::unique_ptr<WriteFile>> AnchoredFiles::write(const std::string& path, WriteMode mode,
                                                        std::uint64_t keep) {
  const auto call = [&] { return disk_.write(path, mode, keep); };
  return is_inside(path) ? while_held(call, *this) : call();
}

Result<void> AnchoredFiles::rename(const std::string& from, const std::string& to) {
  const auto call = [&] { return disk_.rename(from, to); };
  return is_inside(from) || is_inside(to) ? while_held(call, *this) : call();
}

/// What stays as the spool went just then is a leftover.
Result<void> AnchoredFiles::remove(const std::string& path) {
  if (!is_inside(path))
    return disk_.remove(path);
  auto held = holds();
  return held ? disk_.remove(path) : held;
}

Result<void> AnchoredFiles::list(const std::string& directory,
                                 const std::function<bool(std::string_view)>& visit) {
  const auto call = [&] { return disk_.list(directory, visit); };
  return is_inside(directory) ? while_held(call, *this) : call();
}

/// What is there is believed: a look at a large folder costs one call a file.
Result<FileStat> AnchoredFiles::stat(const std::string& path) {
  auto found = disk_.stat(path);
  if (!says_gone(found) || !is_inside(path))
    return found;
  if (auto held = holds(); !held)
    return held.error();
  return disk_.stat(path);
}

/// To sync what is not the spool does no harm, if only it does not count.
Result<void> AnchoredFiles::sync(const std::string& path) {
  auto synced = disk_.sync(path);
  if (!is_inside(path))
    return synced;
  auto held = holds();
  return held ? synced : held;
}

}  // namespace usherd
