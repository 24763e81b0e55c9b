#include "src/app/spool_owner.hpp"

#include "usherd/app/api_key.hpp"
#include "usherd/spool/layout.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

namespace usherd {
namespace {

struct Owner {
  uid_t user;
  gid_t group;
  std::string name;  ///< the number where the user has none
  bool is_named = false;
};

/// Nothing where nobody is to be become.
std::optional<Owner> owner_of(const std::string& folder) {
  struct ::stat found {};
  if (::geteuid() != 0 || ::lstat(folder.c_str(), &found) != 0 || found.st_uid == 0)
    return std::nullopt;
  Owner owner{found.st_uid, found.st_gid, std::to_string(found.st_uid)};
  if (const auto* entry = ::getpwuid(found.st_uid); entry != nullptr) {
    owner.name = entry->pw_name;
    owner.is_named = true;
    // A folder that was only given to a user is root's group still, which is no group to hand over.
    owner.group = owner.group == 0 ? entry->pw_gid : owner.group;
  }
  return owner;
}

/// With the groups that the service manager would give: the key or the roots may be readable by one of them.
Result<void> become(const Owner& owner, const std::string& folder) {
  const bool has_groups =
      owner.is_named ? ::initgroups(owner.name.c_str(), owner.group) == 0 : ::setgroups(0, nullptr) == 0;
  if (!has_groups || ::setresgid(owner.group, owner.group, owner.group) != 0 ||
      ::setresuid(owner.user, owner.user, owner.user) != 0)
    return Error::system(errno, fmt::format("become {}, the owner of {}", owner.name, folder));
  // The kernel allows again what was forbidden where a process changes its user (prctl(2), PR_SET_DUMPABLE).
  return forbid_core_dumps();
}

/// Where it is not there. By descriptor, as the name may be another's to change.
Result<void> make_for(const Owner& owner, const std::string& directory, mode_t mode) {
  if (::mkdir(directory.c_str(), mode) != 0)
    return {};
  const int made = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  const bool given = made >= 0 && ::fchmod(made, mode) == 0 && ::fchown(made, owner.user, owner.group) == 0;
  const int number = errno;
  if (made >= 0)
    ::close(made);
  return given ? Result<void>{} : Error::system(number, fmt::format("give {} to {}", directory, owner.name));
}

}  // namespace

Result<void> become_owner_of(const std::string& folder) {
  const auto owner = owner_of(folder);
  return owner ? become(*owner, folder) : Result<void>{};
}

Result<std::string> become_owner_of_spool(const Config& config) {
  auto folder = SpoolLayout(config.spool.directory).working();
  struct ::stat found {};
  if (::lstat(folder.c_str(), &found) != 0)
    folder = config.spool.directory;
  const auto owner = owner_of(folder);
  if (!owner)
    return std::string();
  const auto& state = config.state.directory;
  if (auto made = make_for(*owner, state, 0700); !made)
    return made.error();
  // Without a socket the work goes on, and the log says so.
  if (const auto above = std::filesystem::path(config.admin.socket).parent_path(); !above.empty())
    static_cast<void>(make_for(*owner, above.string(), 0755));
  if (auto done = become(*owner, folder); !done)
    return done.error();
  if (::access(state.c_str(), R_OK | W_OK | X_OK) != 0 && errno == EACCES)
    return Error{
        Errc::invalid,
        fmt::format("root works on a spool as its owner, and state.directory {} is closed to {}, whose "
                    "{} is: chown -R {}:{} {}",
                    state, owner->name, folder, owner->name, owner->group, state)};
  return owner->name;
}

}  // namespace usherd
