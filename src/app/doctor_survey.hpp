#pragma once

#include "usherd/app/doctor.hpp"
#include "usherd/ledger/ledger.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/spool/layout.hpp"

namespace usherd {

[[nodiscard]] Result<SpoolSurvey> survey_spool(Files& disk, const SpoolLayout& layout,
                                               const std::vector<SpoolFile>& open);
/// Reads the bodies of all frozen batches, so that it takes as long as their files are large.
[[nodiscard]] Result<LedgerSurvey> survey_ledger(Files& disk, const SpoolLayout& layout, Ledger& ledger,
                                                 const std::set<FileNumber>& in_working);
/// Numbers of the files that working/ holds something of.
[[nodiscard]] Result<std::set<FileNumber>> numbers_in_working(Files& disk, const SpoolLayout& layout);
[[nodiscard]] Result<std::vector<SpoolFile>> all_open_files(Ledger& ledger);

/// Sets one finding right. Blocking; synced when it returns.
[[nodiscard]] Result<void> remedy(Files& disk, const SpoolLayout& layout, Ledger& ledger,
                                  const Finding& finding, const ConvertLimits& limits);
/// Ends a file of the ledger as its receipt or refusal says, and with it the batches that hold records of it.
/// In one transaction; what was derived from it goes afterwards.
[[nodiscard]] Result<void> take_end_over(Files& disk, const SpoolLayout& layout, Ledger& ledger,
                                         FileNumber number);

}  // namespace usherd
