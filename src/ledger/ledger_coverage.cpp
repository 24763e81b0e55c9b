#include "src/ledger/database.hpp"
#include "src/ledger/each_row.hpp"
#include "src/ledger/file_row.hpp"
#include "usherd/ledger/ledger.hpp"

#include <fmt/format.h>

#include <cassert>

namespace usherd {

Result<void> Ledger::coverage(FileNumber file, std::uint64_t offset,
                              const std::function<Result<void>(const Manifest&)>& visit) {
  // CROSS JOIN fixes the order: the file's shares first, by their index, never all of the batches.
  auto found = database_->query(
      "SELECT bodies.batch, manifest FROM shares CROSS JOIN batches ON batches.id = shares.batch"
      " CROSS JOIN bodies ON bodies.batch = shares.batch"
      " WHERE shares.file = ? AND shares.end_offset > ? AND batches.state <> 3",
      file, offset);
  return each_row(std::move(found), [&visit](Statement& row) -> Result<void> {
    const auto batch = row.number();
    const auto manifest = Manifest::decode(row.bytes());
    if (!manifest)
      return manifest.error().within(fmt::format("batch {}", batch));
    return visit(*manifest);
  });
}

Result<std::vector<Run>> Ledger::singles() {
  return read_singles(
      database_->query("SELECT file, offset, length, line FROM singles ORDER BY file, offset"));
}

Result<std::vector<Run>> Ledger::singles_of(FileNumber file, std::uint64_t offset) {
  return read_singles(database_->query(
      "SELECT file, offset, length, line FROM singles WHERE file = ? AND offset >= ? ORDER BY offset", file,
      offset));
}

Result<void> Ledger::single_frozen(FileNumber file, std::uint64_t offset) {
  assert(database_->in_transaction());
  const auto changed = database_->run("DELETE FROM singles WHERE file = ? AND offset = ?", file, offset);
  if (!changed)
    return changed.error();
  if (*changed == 0)
    return Error{Errc::corrupt, fmt::format("file {} holds no single record at {}", file, offset)};
  return {};
}

Result<Outcomes> Ledger::outcomes(FileNumber file) {
  auto found = database_->query(
      "SELECT ifnull(sum(imported), 0), ifnull(sum(rejected), 0), ifnull(sum(merged), 0), "
      "ifnull(sum(unknown), 0), ifnull(sum(rekeyed), 0) FROM shares"
      " WHERE file = ?",
      file);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  Outcomes sum;
  sum.imported = found->number();
  sum.rejected = found->number();
  sum.merged = found->number();
  sum.unknown = found->number();
  sum.rekeyed = found->number();
  return sum;
}

Result<bool> Ledger::has_open_batches(FileNumber file) {
  // Of all batches only a few hundred are open, while a large file has shares by the ten thousand.
  auto found = database_->query(
      "SELECT 1 FROM batches CROSS JOIN shares ON shares.batch = batches.id AND shares.file = ? WHERE "
      "batches.state < 2"
      " LIMIT 1",
      file);
  if (!found)
    return found.error();
  return found->row();
}

Result<void> Ledger::receipt_batches(FileNumber file,
                                     const std::function<Result<void>(const ReceiptBatch&)>& visit) {
  auto found = database_->query(
      "SELECT batch, job, end_offset, records, imported, rejected, merged, unknown, rekeyed, has_rejects, "
      "submitted,"
      " finished FROM shares CROSS JOIN batches ON id = batch WHERE file = ? AND state = 2 ORDER BY batch",
      file);
  return each_row(std::move(found), [&](Statement& row) {
    ReceiptBatch line;
    line.batch = row.number();
    line.job = row.text();
    line.share.batch = line.batch;
    line.share.file = file;
    line.share.end_offset = row.number();
    line.share.records = row.number();
    line.share.outcomes.imported = row.number();
    line.share.outcomes.rejected = row.number();
    line.share.outcomes.merged = row.number();
    line.share.outcomes.unknown = row.number();
    line.share.outcomes.rekeyed = row.number();
    line.share.has_rejects = row.flag();
    line.submitted = row.optional_wall();
    line.finished = row.optional_wall();
    return visit(line);
  });
}

}  // namespace usherd
