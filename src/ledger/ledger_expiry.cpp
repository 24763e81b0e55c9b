#include "src/ledger/database.hpp"
#include "src/ledger/each_row.hpp"
#include "src/ledger/moves.hpp"
#include "usherd/ledger/ledger.hpp"

#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace usherd {
namespace {

Result<std::vector<Ledger::Expired>> read_expired(Result<Statement> found) {
  return all_rows<Ledger::Expired>(std::move(found), [](Statement& row) {
    Ledger::Expired file;
    file.number = row.number();
    file.name = row.text();
    file.refused = row.flag();
    file.finished = row.wall();
    return file;
  });
}

/// Without ended heirs of a family of which a batch is open: their users are held on, also by the next start.
Result<std::vector<BatchId>> batches_of_nothing_else(Database& database, FileNumber number) {
  auto found = database.query(
      "SELECT batch FROM shares AS mine WHERE file = ?1"
      " AND NOT EXISTS (SELECT 1 FROM shares WHERE batch = mine.batch AND file <> ?1)"
      " AND NOT EXISTS (SELECT 1 FROM batches WHERE id = mine.batch AND state = 2 AND heir_of > 0"
      " AND heir_of IN (SELECT heir_of FROM batches WHERE state < 2))",
      number);
  return all_rows<BatchId>(std::move(found), [](Statement& row) { return BatchId{row.number()}; });
}

Result<bool> is_kept(Database& database, FileNumber number) {
  auto found = database.query("SELECT kept_done OR kept_rejected FROM files WHERE number = ?", number);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  return found->flag();
}

}  // namespace

Result<std::vector<Ledger::Expired>> Ledger::finished_before(WallTime before, std::size_t most) {
  return read_expired(database_->query(
      "SELECT number, name, refusal_code <> '', finished FROM files WHERE state = 3 AND finished < ?"
      " ORDER BY finished, number LIMIT ?",
      before, most));
}

Result<std::vector<Ledger::Expired>> Ledger::kept_before(Kept where, WallTime before, std::size_t most,
                                                         const End& after) {
  constexpr const char* kDone =
      "SELECT number, name, refusal_code <> '', finished FROM files WHERE kept_done = 1 AND finished < ?"
      " AND (finished, number) > (?, ?) ORDER BY finished, number LIMIT ?";
  constexpr const char* kRejected =
      "SELECT number, name, refusal_code <> '', finished FROM files WHERE kept_rejected = 1 AND finished < ?"
      " AND (finished, number) > (?, ?) ORDER BY finished, number LIMIT ?";
  return read_expired(
      database_->query(where == Kept::done ? kDone : kRejected, before, after.finished, after.number, most));
}

Result<void> Ledger::not_kept(FileNumber number, Kept where) {
  assert(database_->in_transaction());
  const auto move = fmt::format("let go of file {}", number);
  const auto changed = database_->run(
      where == Kept::done ? "UPDATE files SET kept_done = 0 WHERE number = ? AND state = 3"
                          : "UPDATE files SET kept_rejected = 0 WHERE number = ? AND state = 3",
      number);
  auto moved = file_moved(*database_, changed, number, move);
  if (!moved)
    return moved;
  const auto kept = is_kept(*database_, number);
  if (!kept)
    return kept.error().within(move);
  if (*kept)
    return {};
  return forget_file(number);
}

Result<void> Ledger::forget_file(FileNumber number) {
  assert(database_->in_transaction());
  const auto move = fmt::format("forget file {}", number);
  // Asked first: once the shares are gone nothing leads from the file to its batches.
  const auto last = batches_of_nothing_else(*database_, number);
  if (!last)
    return last.error().within(move);
  const auto shares = database_->run("DELETE FROM shares WHERE file = ?", number);
  if (!shares)
    return shares.error().within(move);
  for (const auto batch : *last) {
    const auto body = database_->run("DELETE FROM bodies WHERE batch = ?", batch);
    if (!body)
      return body.error().within(move);
    const auto gone = database_->run("DELETE FROM batches WHERE id = ?", batch);
    if (!gone)
      return gone.error().within(move);
  }
  const auto changed = database_->run("DELETE FROM files WHERE number = ? AND state = 3", number);
  auto forgotten = file_moved(*database_, changed, number, move);
  if (!forgotten)
    return forgotten;
  if (auto raised = raise_counter(*database_, kForgottenCounter, number); !raised)
    return raised.error().within(move);
  database_->give_back_later();
  return {};
}

Result<FileNumber> Ledger::last_forgotten() {
  return counter(*database_, kForgottenCounter);
}

Result<void> Ledger::history_lost(FileNumber last) {
  assert(database_->in_transaction());
  return raise_counter(*database_, kForgottenCounter, last);
}

}  // namespace usherd
