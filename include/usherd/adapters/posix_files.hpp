#pragma once

#include "usherd/ports/files.hpp"

namespace usherd {

/// The file system of this machine. Holds nothing; safe to use from several threads at once. New files get
/// mode 0640 less the umask. FIFOs, sockets and devices are never read or written.
class PosixFiles final : public Files {
 public:
  [[nodiscard]] Result<std::unique_ptr<ReadFile>> open(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<WriteFile>> write(const std::string& path, WriteMode mode,
                                                         std::uint64_t keep = 0) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> list(const std::string& directory,
                                  const std::function<bool(std::string_view)>& visit) override;
  [[nodiscard]] Result<FileStat> stat(const std::string& path) override;
  [[nodiscard]] Result<void> sync(const std::string& path) override;
};

}  // namespace usherd
