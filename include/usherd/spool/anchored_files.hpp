#pragma once

#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <cstdint>
#include <string>

namespace usherd {

/// Which folder it is, whatever its name is by now.
struct FolderIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  [[nodiscard]] static Result<FolderIdentity> of(Files& files, const std::string& folder);
  friend bool operator==(const FolderIdentity&, const FolderIdentity&) = default;
};

/// The disk as a running daemon uses it: nothing of the spool is changed, and nothing that is missing there
/// taken for gone, unless working/ is the folder that it was at the start. While its disk is not mounted, or
/// the folder moved away, every call that it would mislead gives Errc::io, which is waited for. Paths outside
/// the spool pass. Holds a few plain values; `disk` must outlive it. Safe to use from several threads at
/// once.
class AnchoredFiles final : public Files {
 public:
  AnchoredFiles(Files& disk, const SpoolLayout& layout, FolderIdentity working);

  /// An error, with the folder and what to do, while the spool is not the one of the start. Blocks.
  [[nodiscard]] Result<void> holds() const;

  [[nodiscard]] Result<std::unique_ptr<ReadFile>> open(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<WriteFile>> write(const std::string& path, WriteMode mode,
                                                         std::uint64_t keep = 0) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> list(const std::string& directory,
                                  const std::function<bool(std::string_view)>& visit) override;
  [[nodiscard]] Result<FileStat> stat(const std::string& path) override;
  [[nodiscard]] Result<void> sync(const std::string& path) override;

 private:
  [[nodiscard]] bool is_inside(const std::string& path) const;

  Files& disk_;
  std::string root_;
  std::string folder_;
  FolderIdentity working_;
};

}  // namespace usherd
