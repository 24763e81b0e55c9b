#include "usherd/settle/settlement.hpp"

#include <fmt/format.h>

#include <utility>

namespace usherd {
namespace {

Error not_yet(FileNumber number, std::string_view why) {
  return {Errc::invalid, fmt::format("settle file {}: {}", number, why)};
}

Result<void> gather_outcomes(Ledger& ledger, Ending& ending) {
  const auto number = ending.file.number;
  const auto& mark = ending.file.mark;
  if (mark.offset < ending.file.read_size)
    return not_yet(number, "it was not read to its end");
  const auto busy = ledger.has_open_batches(number);
  if (!busy)
    return busy.error();
  if (*busy)
    return not_yet(number, "a batch of it has not ended");
  const auto sum = ledger.outcomes(number);
  if (!sum)
    return sum.error();
  ending.outcomes = *sum;
  ending.outcomes.rejected += mark.local_rejected;
  ending.outcomes.unknown += mark.local_unknown;
  ending.records = mark.records;
  if (ending.outcomes.ended() != ending.records)
    return Error{Errc::corrupt, fmt::format("settle file {}: {} records have {} outcomes", number,
                                            ending.records, ending.outcomes.ended())};
  return ledger.receipt_batches(number, [&](const ReceiptBatch& batch) -> Result<void> {
    ending.batches.push_back(batch);
    return {};
  });
}

}  // namespace

Result<Ending> Settlement::gather(Ledger& ledger, FileNumber number, WallTime now) {
  auto file = ledger.file(number);
  if (!file)
    return file.error();
  if (!*file)
    return Error{Errc::not_found, fmt::format("settle file {}: it is not in the ledger", number)};
  Ending ending;
  ending.file = std::move(**file);
  ending.finished = now;
  ending.taken = ending.file.size;
  if (ending.file.state == FileState::refused)
    return ending;
  if (ending.file.state != FileState::ready)
    return not_yet(number, "it is neither ready nor refused");
  const auto gathered = gather_outcomes(ledger, ending);
  if (!gathered)
    return gathered.error();
  return ending;
}

Result<void> Settlement::commit(Ledger& ledger, std::span<const Ending> group) {
  for (const auto& ending : group) {
    auto settled = ledger.file_settled(ending.file.number, ending.records, ending.outcomes, ending.finished);
    if (!settled)
      return settled;
  }
  return {};
}

}  // namespace usherd
