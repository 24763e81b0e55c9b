#include "src/app/missing_folders.hpp"

#include "usherd/core/text.hpp"
#include "usherd/spool/folders.hpp"

#include <sys/stat.h>

#include <utility>

namespace usherd {

std::vector<Finding> find_missing_folders(const SpoolLayout& layout) {
  std::vector<Finding> findings;
  struct ::stat working {};
  static_cast<void>(::lstat(layout.working().c_str(), &working));
  for (const auto& folder : missing_folders(layout)) {
    Finding finding;
    finding.kind = FindingKind::missing_folder;
    finding.name = folder;
    finding.what = printable(folder, 1000) + " is not there";
    finding.advice = "let the next start make it";
    if (folder == layout.incoming())
      finding.advice += ", or, where a unit with RestrictSUIDSGID= forbids that, make it as root: " +
                        printable(incoming_by_hand(folder, working.st_uid), 2000);
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace usherd
