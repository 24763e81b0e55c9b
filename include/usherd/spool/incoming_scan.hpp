#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/left_file.hpp"
#include "usherd/spool/settle_watch.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace usherd {

/// A page of incoming/: its longest dropped files in order, however many there are.
struct ScanPage {
  std::vector<SeenFile> files;
  std::vector<LeftFile> odd;  ///< what can never be taken as it stands, the first kMostOdd of them
  std::uint64_t odd_count = 0;
  LeftCounts odd_reasons;         ///< all of them
  std::vector<SeenFile> submits;  ///< what `submit` is writing, or left when it was killed; kMostSubmits
  bool denied =
      false;         ///< a name could be listed and not be looked at: not even that, more likely the folder
  bool cut = false;  ///< there are more files behind the last of these
};

struct ScanOptions {
  static constexpr std::size_t kMostFiles = 16384;
  static constexpr std::size_t kMostOdd = 100;
  static constexpr std::size_t kMostSubmits = 100;

  std::size_t most = kMostFiles;
  std::optional<SeenFile> after;                     ///< only files dropped after this one
  std::function<bool(const SeenFile&)> wanted = {};  ///< empty: every one
};

/// Looks at every visible name of a directory; memory for one page. Blocks: for a worker.
[[nodiscard]] Result<ScanPage> scan_incoming(Files& files, const std::string& directory,
                                             const ScanOptions& options);

/// The files of these names as they are now; those that cannot be taken go to `odd`, those that vanished
/// nowhere.
[[nodiscard]] ScanPage look_at(Files& files, const std::string& directory,
                               const std::vector<std::string>& names);

/// Why a file of this kind cannot be taken; nothing when it can.
[[nodiscard]] std::optional<LeftFile> oddity(const SeenFile& file);

}  // namespace usherd
