#pragma once

#include "usherd/app/config.hpp"
#include "usherd/app/doctor.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace usherd {

/// Folders and files of usherd's own in spool and state that are root's, where `working/` is another user's:
/// a command that was run as root left them, and the service cannot write or read them. Keeps the folders
/// open: what is given is what was looked at, whoever renames something or puts a link in its place since.
class OwnersSurvey {
 public:
  explicit OwnersSurvey(const Config& config);

  /// Nothing where all is as it should be.
  [[nodiscard]] std::optional<Finding> finding() const;
  /// Root gives them to the owner of `working/`. False, with a word to stderr for each, where some stay.
  [[nodiscard]] bool give() const;

 private:
  class Folder;
  using FolderPtr = std::shared_ptr<const Folder>;
  /// Something of root's and the group that it is given to as well.
  struct Taken {
    FolderPtr folder;
    std::string name;  ///< in the folder; empty for the folder itself
    unsigned group;
    [[nodiscard]] std::string path() const;
  };
  /// The group of a folder that is not root's stays, as it says who may drop or read there.
  void look_at_folder(const FolderPtr& folder, unsigned group);
  void look_into(const FolderPtr& folder, bool (*is_own)(const std::string& name, bool is_empty));
  /// Nothing where it went, as an errno otherwise.
  [[nodiscard]] int give(const Taken& taken) const;

  std::string owner_;  ///< USER:GROUP in numbers or names, as chown takes it
  unsigned user_ = 0;
  unsigned group_ = 0;
  std::string incoming_;  ///< where it is among them: it has a group of its own
  std::vector<Taken> roots_;
};

}  // namespace usherd
