#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// How far the numbers of a spool have come. The spool remembers it beside its ledger, so that none is given
/// twice and a copy of the ledger from before is told.
struct Numbers {
  FileNumber claimed = 0;  ///< no file has a higher one, whether or not the ledger knows it yet
  FileNumber known = 0;    ///< of a file that a ledger held on the disk
  BatchId batches = 0;     ///< the same of a batch

  [[nodiscard]] bool operator==(const Numbers&) const = default;
};

/// The highest of each.
[[nodiscard]] Numbers highest(const Numbers& left, const Numbers& right);

/// The numbers are the name of an empty file beside the four folders, `.numbers-CLAIMED-KNOWN-BATCHES`: a
/// rename tells others. Only a stop in order syncs it: a name that stands for less than is so, or none, is
/// harmless; `known` and `batches` never tell more than a ledger has on its disk.
[[nodiscard]] std::string numbers_name(const Numbers& numbers);
/// Nothing where it is no such name.
[[nodiscard]] std::optional<Numbers> parse_numbers_name(std::string_view name);

/// What the spool remembers: the highest of all that stand there, zeros where none does. Lists the spool.
/// Blocks, as do the others.
[[nodiscard]] Result<Numbers> read_numbers(Files& files, const SpoolLayout& layout);
/// One rename, without a look at the folder; makes the file where none has the old name. Not synced.
[[nodiscard]] Result<void> move_numbers(Files& files, const SpoolLayout& layout, const Numbers& from,
                                        const Numbers& to);
/// Makes these the only ones that stand there, whatever did. Not synced.
[[nodiscard]] Result<void> replace_numbers(Files& files, const SpoolLayout& layout, const Numbers& to);

/// What the ledger holds.
[[nodiscard]] Result<Numbers> numbers_of(Ledger& ledger);

/// Whether a ledger has not come as far as one that this spool had before: it is a copy from before then.
[[nodiscard]] inline bool is_older(const Numbers& ledger, const Numbers& spool) {
  return ledger.known < spool.known || ledger.batches < spool.batches;
}
/// In one sentence, which ledger that is and what the spool remembers.
[[nodiscard]] std::string tell_older(const Numbers& ledger, const Numbers& spool);

/// Lets an older or new ledger go on with this spool: for an operator who has no better one. New numbers are
/// given above those that the spool remembers, and what users were given by files up to there counts as not
/// known. Files of working/ that the ledger does not know are adopted by the next start. Synced.
[[nodiscard]] Result<void> go_on_above(Files& files, const SpoolLayout& layout, Ledger& ledger);

}  // namespace usherd
