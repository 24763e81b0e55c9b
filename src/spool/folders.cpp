#include "usherd/spool/folders.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd {
namespace {

constexpr const char* kProducers = "usherd-submit";
constexpr std::string_view kTrial = ".usherd-trial-";
/// A file needs a few on its way, and those in flight must find theirs.
constexpr std::uint64_t kLeastInodes = 64;

/// Whether that is the trial file of a process that lives no more.
bool is_dead_trial(std::string_view name) {
  if (!name.starts_with(kTrial))
    return false;
  pid_t process = 0;
  name.remove_prefix(kTrial.size());
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), process);
  return failure == std::errc{} && end == name.data() + name.size() && process > 0 &&
         ::kill(process, 0) != 0 && errno == ESRCH;
}

struct Folder {
  std::string path;
  mode_t mode;
};

std::array<Folder, 5> folders_of(const SpoolLayout& layout) {
  return {{{layout.root(), 0755},
           {layout.incoming(), 03730},
           {layout.working(), 0700},
           {layout.done(), 0750},
           {layout.rejected(), 0750}}};
}

std::array<std::string, 4> all_folders(const SpoolLayout& layout) {
  return {layout.incoming(), layout.working(), layout.done(), layout.rejected()};
}

/// Nothing where it is a folder.
std::optional<std::string> odd_folder(const std::string& path, mode_t mode) {
  if (S_ISDIR(mode))
    return std::nullopt;
  return fmt::format(
      "{} is {}, and must be a folder itself: move it away, and put the folder there or let the "
      "next start make it",
      path, S_ISLNK(mode) ? "a symbolic link" : "not a directory");
}

/// True when it was made.
Result<bool> make_folder(const Folder& folder, MadePlaces* places) {
  if (::mkdir(folder.path.c_str(), 0700) != 0) {
    if (errno != EEXIST)
      return call_error(folder.path, errno, fmt::format("make {}", folder.path));
    struct ::stat found {};
    if (::lstat(folder.path.c_str(), &found) != 0)
      return call_error(folder.path, errno, folder.path);
    if (const auto odd = odd_folder(folder.path, found.st_mode))
      return Error{Errc::invalid, *odd};
    return false;
  }
  if (places != nullptr)
    places->note_directory(folder.path);
  // After the fact, because the umask cuts what mkdir is given.
  if (::chmod(folder.path.c_str(), folder.mode) != 0) {
    const int number = errno;
    auto error = call_error(folder.path, number, fmt::format("set the mode of {}", folder.path));
    if (number == EPERM && (folder.mode & S_ISGID) != 0)
      error.message += "; a unit with RestrictSUIDSGID= forbids that. As root: " +
                       incoming_by_hand(folder.path, ::geteuid());
    return error;
  }
  return true;
}

/// Only root and members of the group may do this; without it producers are whoever the operator lets in.
void give_to_producers(const std::string& incoming) {
  const auto* group = ::getgrnam(kProducers);
  if (group != nullptr && ::chown(incoming.c_str(), static_cast<uid_t>(-1), group->gr_gid) == 0)
    static_cast<void>(::chmod(incoming.c_str(), 03730));
}

/// Whether a rename from one to the other can work at all: a mount may show the same file system twice.
bool on_one_mount(const std::string& one, const std::string& other) {
  struct ::statx first {};
  struct ::statx second {};
  return ::statx(AT_FDCWD, one.c_str(), 0, STATX_MNT_ID, &first) == 0 &&
         ::statx(AT_FDCWD, other.c_str(), 0, STATX_MNT_ID, &second) == 0 &&
         first.stx_dev_major == second.stx_dev_major && first.stx_dev_minor == second.stx_dev_minor &&
         first.stx_mnt_id == second.stx_mnt_id;
}

Error rename_fault(const std::string& from, const std::string& to, const Error& error) {
  if (error.code == Errc::no_space)
    return disk_error(to, error);
  if (error.code != Errc::io)
    return error.within(fmt::format("{} and {} must be writable: trial rename", from, to));
  if (!on_one_mount(from, to))
    return error.within(fmt::format("{} and {} must be on one file system: trial rename", from, to));
  return disk_error(to, error.within(fmt::format("trial rename between {} and {}", from, to)));
}

/// Errors of the disk or of a machine that is short of something: they may pass.
bool may_pass(int number) {
  switch (number) {
    case EIO:
    case ENXIO:
    case ESTALE:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return true;
    default:
      return false;
  }
}

std::string name_of(unsigned user) {
  const auto* entry = ::getpwuid(user);
  return entry == nullptr ? std::to_string(user) : std::string(entry->pw_name);
}

/// Which folder is closed to this process, whose it is, and what to do. Root that became the owner of
/// working/ is not root any more.
std::string closed_folder(const SpoolLayout& layout) {
  constexpr const char* kBe = "be root, or the user that usherd runs as, to whom the folders must belong";
  struct ::stat working {};
  const bool knows_owner = ::stat(layout.working().c_str(), &working) == 0;
  for (const auto& folder : all_folders(layout)) {
    struct ::stat found {};
    if (::stat(folder.c_str(), &found) != 0 ||
        ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0)
      continue;
    const bool is_owner_of_working =
        knows_owner && working.st_uid == ::geteuid() && found.st_uid != ::geteuid();
    return fmt::format(
        "{} belongs to {} and is closed to {}, {}", folder, name_of(found.st_uid), name_of(::geteuid()),
        is_owner_of_working
            ? "to whom working/ belongs: as root run 'usherd doctor', which tells whose it must be"
            : std::string("who works here: ") + kBe);
  }
  return kBe;
}

Result<void> move_through(Files& files, std::span<const std::string> folders, const std::string& name,
                          std::string& stands_in) {
  for (std::size_t next = 1; next < folders.size(); ++next) {
    const auto& from = folders[next - 1];
    const auto& to = folders[next];
    const auto moved = files.rename(fmt::format("{}/{}", from, name), fmt::format("{}/{}", to, name));
    if (!moved)
      return rename_fault(from, to, moved.error());
    stands_in = to;
  }
  return {};
}

/// What can be said of a folder that is there: an error in it is one of the disk.
Result<void> on_disk(const std::string& folder, const Result<void>& done) {
  if (!done && (done.error().code == Errc::no_space || done.error().code == Errc::io))
    return disk_error(folder, done.error());
  return done;
}

/// Moves a file of its own from the first folder through all the others.
Result<void> try_moving(Files& files, std::span<const std::string> folders) {
  const auto name = fmt::format("{}{}", kTrial, ::getpid());
  for (const auto& folder : folders) {
    const auto cleared = on_disk(folder, files.remove(fmt::format("{}/{}", folder, name)));
    if (!cleared)
      return cleared.error();
  }
  const auto trial = files.write(folders.front() + "/" + name, WriteMode::create);
  if (!trial)
    return on_disk(folders.front(), trial.error());
  auto stands_in = folders.front();
  auto moved = move_through(files, folders, name, stands_in);
  const auto removed = on_disk(stands_in, files.remove(stands_in + "/" + name));
  return moved ? removed : moved;
}

/// The first folder must be one that can be listed, too.
Result<void> try_listed(Files& files, std::span<const std::string> folders) {
  if (auto listed = files.list(folders.front(), [](std::string_view) { return false; }); !listed)
    return listed;
  return try_moving(files, folders);
}

}  // namespace

Error disk_error(const std::string& place, const Error& error) {
  struct ::statvfs found {};
  const bool read_only = ::statvfs(place.c_str(), &found) == 0 && (found.f_flag & ST_RDONLY) != 0;
  return {Errc::no_space, read_only ? place + ": the file system is read-only" : error.message};
}

Error call_error(const std::string& place, int number, std::string_view what) {
  auto error = Error::system(number, what);
  const bool of_disk = error.code == Errc::no_space || may_pass(number);
  return of_disk ? disk_error(place, error) : error;
}

Result<void> prepare_folders(Files& files, const SpoolLayout& layout, MadePlaces* places) {
  for (const auto& folder : folders_of(layout)) {
    const auto made = make_folder(folder, places);
    if (!made)
      return made.error();
    if (*made && folder.path == layout.incoming())
      give_to_producers(folder.path);
  }
  if (auto tried = try_moving(files, all_folders(layout)); !tried) {
    auto error = tried.error();
    if (error.code == Errc::denied)
      error.message += ": " + closed_folder(layout);
    return error;
  }
  // The folders' own entries must survive a power loss before a file in them may count as accepted.
  return on_disk(layout.root(), files.sync(layout.root()));
}

std::string incoming_by_hand(const std::string& incoming, unsigned owner) {
  const auto user = name_of(owner);
  return fmt::format(
      "install -d -m 3730 -o {0} -g {1} {2} && setfacl -d -m u::rw-,u:{0}:rw-,g::---,m::rw-,o::--- {2}", user,
      kProducers, incoming);
}

std::vector<std::string> missing_folders(const SpoolLayout& layout) {
  std::vector<std::string> missing;
  for (const auto& folder : all_folders(layout)) {
    struct ::stat found {};
    if (::lstat(folder.c_str(), &found) != 0 && errno == ENOENT)
      missing.push_back(folder);
  }
  return missing;
}

std::vector<std::string> odd_folders(const SpoolLayout& layout) {
  std::vector<std::string> odd;
  for (const auto& folder : all_folders(layout)) {
    struct ::stat found {};
    if (::lstat(folder.c_str(), &found) != 0)
      continue;
    if (auto why = odd_folder(folder, found.st_mode))
      odd.push_back(std::move(*why));
  }
  return odd;
}

Result<void> try_intake(Files& files, const SpoolLayout& layout) {
  const std::array<std::string, 2> folders{layout.incoming(), layout.working()};
  return try_listed(files, folders);
}

Result<void> try_folders(Files& files, const SpoolLayout& layout) {
  return try_listed(files, all_folders(layout));
}

Result<void> gives_out(const SpoolLayout& layout) {
  struct ::stat found {};
  if (::stat(layout.incoming().c_str(), &found) != 0)
    return Error::system(errno, layout.incoming());
  const auto self = ::geteuid();
  if ((found.st_mode & S_ISVTX) == 0 || found.st_uid == self || self == 0)
    return {};
  return Error{Errc::invalid,
               fmt::format("{} is sticky (mode {:o}) and belongs to user {}, not to usherd: what others drop "
                           "there cannot be moved out of it",
                           layout.incoming(), found.st_mode & 07777U, found.st_uid)};
}

Result<void> sweep_trials(Files& files, const SpoolLayout& layout) {
  for (const auto& folder : all_folders(layout)) {
    std::vector<std::string> dead;
    const auto visit = [&dead](std::string_view name) {
      if (is_dead_trial(name))
        dead.emplace_back(name);
      return true;
    };
    if (auto listed = files.list(folder, visit); !listed)
      return listed;
    for (const auto& name : dead) {
      if (auto removed = files.remove(fmt::format("{}/{}", folder, name)); !removed)
        return removed;
    }
  }
  return {};
}

Result<std::uint64_t> free_bytes(const std::string& directory) {
  struct ::statvfs found {};
  if (::statvfs(directory.c_str(), &found) != 0) {
    auto error = Error::system(errno, fmt::format("free space of {}", directory));
    // That it is away says of no file that it is gone.
    error.code = error.code == Errc::not_found ? Errc::io : error.code;
    return error;
  }
  // A file system that makes inodes as it goes counts none.
  if (found.f_files != 0 && found.f_favail < kLeastInodes)
    return Error{Errc::no_space,
                 fmt::format("{} inodes are free on the file system of {}: remove files there",
                             std::uint64_t{found.f_favail}, directory)};
  return std::uint64_t{found.f_bavail} * found.f_frsize;
}

}  // namespace usherd
