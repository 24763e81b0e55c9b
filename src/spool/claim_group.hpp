#pragma once

#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/claim.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/spool/numbers.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace usherd {

/// One file on its way through a claim.
struct ClaimItem {
  SeenFile seen;
  SpoolFile row;
  std::optional<LeftFile> left;
  bool changed = false;
  bool moved = false;  ///< it stands in working/
};

/// Shared with the workers' jobs, so that it outlives a coroutine that is cancelled over them.
struct Claimer::Group {
  std::vector<ClaimItem> items;
  bool synced = false;  ///< both folders, since the last rename
  std::optional<Error> stopped;
  bool orphaned =
      false;  ///< something stands in working/ that this group does not vouch for: adopt() must look
};

// The steps of a claim, each for a worker.

/// Opens, checks and syncs; what cannot be taken gets its `left`.
void check_and_sync(Files& files, const SpoolLayout& layout, std::span<ClaimItem> items);
/// Finds a free name for each; on the ledger's thread.
[[nodiscard]] Result<void> choose_names(Files& files, const SpoolLayout& layout, Ledger& ledger,
                                        std::span<ClaimItem> items);
/// Renames into working/ in order and proves that what arrived is what was checked.
void move_group(Files& files, const SpoolLayout& layout, Claimer::Group& group);
/// Both folders; before that the spool is told how far the numbers have come.
[[nodiscard]] Result<void> sync_folders(Files& files, const SpoolLayout& layout, const Numbers& before,
                                        const Numbers& now);
/// Row and, for what needs no conversion, readiness: one change of one transaction.
[[nodiscard]] Result<void> insert_rows(Ledger& ledger, std::span<const ClaimItem> items);
/// Sets name, state and refusal from the name alone.
void describe(SpoolFile& row);

/// A file that enters under another name than its own has its own kept beside it until the ledger knows it.
[[nodiscard]] std::string original_note(const SpoolLayout& layout, FileNumber number);

}  // namespace usherd
