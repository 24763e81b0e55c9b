#pragma once

#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/validate/block_reader.hpp"

#include <vector>

namespace usherd {

/// Files that somebody wrote to since their acceptance, or that are gone; an error where the disk does not
/// tell now. A converted one is read from what only usherd writes to. Blocking.
[[nodiscard]] Result<std::vector<FileNumber>> touched_files(Files& disk, const SpoolLayout& layout,
                                                            const std::vector<SpoolFile>& files);

/// Which operations of a draft, of those in touched files, are not good records of the user that was read
/// there: what was written between may neither break a rule nor pass for another user's update. Blocking.
[[nodiscard]] Result<std::vector<bool>> recheck(Files& disk, const DraftBatch& draft, const BodyPaths& paths,
                                                const std::vector<FileNumber>& touched, BlockReader& reader);

}  // namespace usherd
