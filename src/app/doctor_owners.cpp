#include "src/app/doctor_owners.hpp"

#include "src/app/standard_output.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/layout.hpp"

#include <fmt/format.h>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace usherd {
namespace {

constexpr std::size_t kMostNamed = 20;
constexpr auto kSameGroup = static_cast<gid_t>(-1);
constexpr const char* kProducers = "usherd-submit";

bool is_of_spool(const std::string& name, bool) {
  return name.starts_with(".usherd-") || name.starts_with(".numbers-");
}

/// What was accepted belongs to whoever dropped it; an empty file in its place was put there by a repair.
bool is_of_working(const std::string& name, bool is_empty) {
  return is_empty || SpoolLayout::parse_working_name(name).first == 0;
}

bool is_of_done(const std::string& name, bool) {
  return name.ends_with(".receipt.json");
}

/// Refused files are their producers'.
bool is_of_rejected(const std::string& name, bool) {
  return name.ends_with(".rejects.ndjson") || name.ends_with(".error.json");
}

bool is_of_state(const std::string&, bool) {
  return true;
}

std::string names_of(unsigned user, unsigned group) {
  const auto* of_user = ::getpwuid(user);
  std::string name = of_user == nullptr ? std::to_string(user) : of_user->pw_name;
  const auto* of_group = ::getgrgid(group);
  return name + ":" + (of_group == nullptr ? std::to_string(group) : of_group->gr_name);
}

/// Whether others than its owner can make, rename and remove what is there.
bool is_open_to(const struct ::stat& folder, unsigned group) {
  const bool is_open =
      (folder.st_mode & S_IWOTH) != 0 || (folder.st_gid == group && (folder.st_mode & S_IWGRP) != 0);
  return is_open && (folder.st_mode & S_ISVTX) == 0;
}

}  // namespace

OwnersSurvey::OwnersSurvey(const Config& config) {
  const SpoolLayout layout(config.spool.directory);
  struct ::stat found {};
  if (::lstat(layout.working().c_str(), &found) != 0 || found.st_uid == 0)
    return;
  user_ = found.st_uid;
  group_ = found.st_gid;
  owner_ = names_of(user_, group_);
  if (::stat(config.state.directory.c_str(), &found) == 0 && found.st_uid == 0)
    roots_.push_back({config.state.directory, group_});
  const auto* producers = ::getgrnam(kProducers);
  look_at_folder(layout.root(), group_);
  look_at_folder(layout.incoming(), producers == nullptr ? group_ : producers->gr_gid);
  look_at_folder(layout.done(), group_);
  look_at_folder(layout.rejected(), group_);
  const auto is_incoming = [&](const Taken& taken) { return taken.path == layout.incoming(); };
  if (std::any_of(roots_.begin(), roots_.end(), is_incoming))
    incoming_ = layout.incoming();
  look_into(layout.root(), is_of_spool);
  look_into(layout.working(), is_of_working);
  look_into(layout.done(), is_of_done);
  look_into(layout.rejected(), is_of_rejected);
  look_into(config.state.directory, is_of_state);
}

void OwnersSurvey::look_at_folder(const std::string& folder, unsigned group) {
  struct ::stat found {};
  if (::lstat(folder.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == 0 &&
      !is_open_to(found, group_))
    roots_.push_back({folder, found.st_gid == 0 ? group : kSameGroup});
}

void OwnersSurvey::look_into(const std::string& folder, bool (*is_own)(const std::string&, bool)) {
  std::error_code failure;
  std::filesystem::directory_iterator entry(folder, failure);
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    struct ::stat found {};
    // Another name of the file may be anybody's.
    if (::lstat(entry->path().c_str(), &found) == 0 && found.st_uid == 0 && S_ISREG(found.st_mode) &&
        found.st_nlink == 1 && is_own(entry->path().filename().string(), found.st_size == 0))
      roots_.push_back({entry->path().string(), group_});
  }
}

std::optional<Finding> OwnersSurvey::finding() const {
  if (roots_.empty())
    return std::nullopt;
  Finding finding;
  finding.kind = FindingKind::wrong_owner;
  std::string names;
  for (std::size_t at = 0; at < std::min(roots_.size(), kMostNamed); ++at)
    names += (at == 0 ? "" : ", ") + printable(roots_[at].path, 400);
  if (roots_.size() > kMostNamed)
    names += fmt::format(" and {} more", roots_.size() - kMostNamed);
  finding.what = fmt::format("usherd works as {}, and root owns {}", owner_, names);
  finding.advice = fmt::format("as root: chown {} FILE, of each", owner_);
  if (!incoming_.empty())
    finding.advice +=
        fmt::format("; of {} only the owner, as its group is the producers'", printable(incoming_, 400));
  finding.remedy = fmt::format("gives them to {}; root alone may do that", owner_);
  return finding;
}

bool OwnersSurvey::give() const {
  bool all = true;
  for (const auto& [path, group] : roots_) {
    if (::lchown(path.c_str(), user_, group) == 0)
      continue;
    tell("usherd: {} belongs to root, and cannot be given to {}: {}\n", printable(path, 400), owner_,
         std::strerror(errno));
    all = false;
  }
  return all;
}

}  // namespace usherd
