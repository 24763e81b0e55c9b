#include "src/app/doctor_owners.hpp"

#include "src/app/standard_output.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/layout.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

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

constexpr int kFolder = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// A folder that the configuration names may be a link of root's; one of anybody else is not followed.
int open_configured(std::string path) {
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  const int link = ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct ::stat found {};
  if (link < 0 || ::fstat(link, &found) != 0 || !S_ISLNK(found.st_mode)) {
    if (link >= 0)
      ::close(link);
    return ::open(path.c_str(), kFolder);
  }
  std::array<char, 4096> text{};
  const auto length = ::readlinkat(link, "", text.data(), text.size());
  ::close(link);
  if (found.st_uid != 0 || length <= 0)
    return -1;
  const std::string target(text.data(), static_cast<std::size_t>(length));
  return ::open((std::filesystem::path(path).parent_path() / target).c_str(), kFolder);
}

/// Another name of the file may be anybody's.
bool is_roots_file(const struct ::stat& found) {
  return found.st_uid == 0 && S_ISREG(found.st_mode) && found.st_nlink == 1;
}

/// Whether others than its owner can make, rename and remove what is there.
bool is_open_to(const struct ::stat& folder, unsigned group) {
  const bool is_open =
      (folder.st_mode & S_IWOTH) != 0 || (folder.st_gid == group && (folder.st_mode & S_IWGRP) != 0);
  return is_open && (folder.st_mode & S_ISVTX) == 0;
}

}  // namespace

/// Open for as long as it lives, or not there.
class OwnersSurvey::Folder {
 public:
  Folder(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {
    if (descriptor_ < 0 || ::fstat(descriptor_, &found_) != 0)
      found_ = {};
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    if (descriptor_ >= 0)
      ::close(descriptor_);
  }
  [[nodiscard]] FolderPtr open(const std::string& path) const {
    const auto name = std::filesystem::path(path).filename().string();
    return std::make_shared<const Folder>(path,
                                          is_there() ? ::openat(descriptor_, name.c_str(), kFolder) : -1);
  }
  [[nodiscard]] bool is_there() const { return S_ISDIR(found_.st_mode); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const struct ::stat& found() const { return found_; }

 private:
  std::string path_;
  int descriptor_;
  struct ::stat found_ {};
};

std::string OwnersSurvey::Taken::path() const {
  return name.empty() ? folder->path() : folder->path() + "/" + name;
}

OwnersSurvey::OwnersSurvey(const Config& config) {
  const SpoolLayout layout(config.spool.directory);
  const auto root = std::make_shared<const Folder>(layout.root(), open_configured(layout.root()));
  const auto working = root->open(layout.working());
  if (!working->is_there() || working->found().st_uid == 0)
    return;
  user_ = working->found().st_uid;
  group_ = working->found().st_gid;
  owner_ = names_of(user_, group_);
  const auto state =
      std::make_shared<const Folder>(config.state.directory, open_configured(config.state.directory));
  if (state->is_there() && state->found().st_uid == 0)
    roots_.push_back({state, {}, group_});
  const auto* producers = ::getgrnam(kProducers);
  look_at_folder(root, group_);
  const auto before = roots_.size();
  look_at_folder(root->open(layout.incoming()), producers == nullptr ? group_ : producers->gr_gid);
  if (roots_.size() > before)
    incoming_ = layout.incoming();
  const auto done = root->open(layout.done());
  const auto rejected = root->open(layout.rejected());
  look_at_folder(done, group_);
  look_at_folder(rejected, group_);
  look_into(root, is_of_spool);
  look_into(working, is_of_working);
  look_into(done, is_of_done);
  look_into(rejected, is_of_rejected);
  look_into(state, is_of_state);
}

void OwnersSurvey::look_at_folder(const FolderPtr& folder, unsigned group) {
  const auto& found = folder->found();
  if (folder->is_there() && found.st_uid == 0 && !is_open_to(found, group_))
    roots_.push_back({folder, {}, found.st_gid == 0 ? group : kSameGroup});
}

void OwnersSurvey::look_into(const FolderPtr& folder, bool (*is_own)(const std::string&, bool)) {
  if (!folder->is_there())
    return;
  const int readable = ::openat(folder->descriptor(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  auto* listing = readable < 0 ? nullptr : ::fdopendir(readable);
  if (listing == nullptr) {
    if (readable >= 0)
      ::close(readable);
    return;
  }
  while (const auto* entry = ::readdir(listing)) {
    struct ::stat found {};
    const std::string name = entry->d_name;
    if (::fstatat(folder->descriptor(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        is_roots_file(found) && is_own(name, found.st_size == 0))
      roots_.push_back({folder, name, group_});
  }
  ::closedir(listing);
}

std::optional<Finding> OwnersSurvey::finding() const {
  if (roots_.empty())
    return std::nullopt;
  Finding finding;
  finding.kind = FindingKind::wrong_owner;
  std::string names;
  for (std::size_t at = 0; at < std::min(roots_.size(), kMostNamed); ++at)
    names += (at == 0 ? "" : ", ") + printable(roots_[at].path(), 400);
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

int OwnersSurvey::give(const Taken& taken) const {
  const auto& folder = *taken.folder;
  if (taken.name.empty())
    return ::fchownat(folder.descriptor(), "", user_, taken.group, AT_EMPTY_PATH) == 0 ? 0 : errno;
  const int file = ::openat(folder.descriptor(), taken.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0)
    return errno;
  struct ::stat found {};
  int failed = 0;
  if (::fstat(file, &found) != 0 || !is_roots_file(found))
    failed = ESTALE;
  else if (::fchownat(file, "", user_, taken.group, AT_EMPTY_PATH) != 0)
    failed = errno;
  ::close(file);
  return failed;
}

bool OwnersSurvey::give() const {
  bool all = true;
  for (const auto& taken : roots_) {
    const int failed = give(taken);
    if (failed == 0)
      continue;
    tell("usherd: {} belongs to root, and cannot be given to {}: {}\n", printable(taken.path(), 400), owner_,
         std::strerror(failed));
    all = false;
  }
  return all;
}

}  // namespace usherd
