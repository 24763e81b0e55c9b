#include "src/ledger/database.hpp"
#include "src/ledger/file_row.hpp"
#include "src/ledger/moves.hpp"
#include "usherd/ledger/ledger.hpp"

#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace usherd {

Result<FileNumber> Ledger::last_file_number() {
  return counter(*database_, kFileCounter);
}

Result<void> Ledger::insert_file(const SpoolFile& file) {
  assert(database_->in_transaction());
  const auto move = fmt::format("accept file {}", file.number);
  const bool refused = file.state == FileState::refused && !file.refusal_code.empty();
  if (file.number == 0 || !(refused || file.state == FileState::accepted))
    return Error{Errc::corrupt, fmt::format("{}: a file enters accepted, or refused with a code", move)};
  const auto changed = database_->run(
      "INSERT INTO files (number, name, original, working, state, size, modified_ns, accepted, converted, "
      "read_size,"
      " mark_offset, mark_line, mark_records, mark_local_rejected, mark_local_length, mark_local_unknown,"
      " refusal_code, refusal_message)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      file.number, file.name, Blob{file.original}, file.working, static_cast<int>(file.state), file.size,
      file.modified_ns, file.accepted, file.converted, file.read_size, file.mark.offset, file.mark.line,
      file.mark.records, file.mark.local_rejected, file.mark.local_length, file.mark.local_unknown,
      file.refusal_code, file.refusal_message);
  if (!changed)
    return changed.error().within(move);
  return raise_counter(*database_, kFileCounter, file.number);
}

Result<bool> Ledger::name_taken(std::string_view name) {
  auto found = database_->query("SELECT 1 FROM files WHERE name = ?", name);
  if (!found)
    return found.error();
  return found->row();
}

Result<std::optional<SpoolFile>> Ledger::file(FileNumber number) {
  return one_file(database_->query("SELECT " USHERD_FILE_COLUMNS " FROM files WHERE number = ?", number));
}

Result<std::vector<SpoolFile>> Ledger::open_files(FileNumber after, std::size_t most) {
  return all_files(database_->query("SELECT " USHERD_FILE_COLUMNS
                                    " FROM files WHERE state < 3 AND number > ? ORDER BY number LIMIT ?",
                                    after, most));
}

Result<std::uint64_t> Ledger::count_open_files() {
  auto found = database_->query("SELECT count(*) FROM files WHERE state < 3");
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  return found->number();
}

Result<void> Ledger::file_ready(FileNumber number, bool converted, std::uint64_t read_size) {
  assert(database_->in_transaction());
  const auto changed = database_->run(
      "UPDATE files SET state = 1, converted = ?2, read_size = ?3 WHERE number = ?1 AND state = 0", number,
      converted, read_size);
  return file_moved(*database_, changed, number, fmt::format("make file {} ready", number));
}

Result<void> Ledger::file_refused(FileNumber number, std::string_view code, std::string_view message) {
  assert(database_->in_transaction());
  const auto move = fmt::format("refuse file {}", number);
  if (code.empty())
    return Error{Errc::corrupt, fmt::format("{}: no code was given", move)};
  const auto changed = database_->run(
      "UPDATE files SET state = 2, refusal_code = ?2, refusal_message = ?3 WHERE number = ?1 AND state IN "
      "(0, 1)"
      " AND NOT EXISTS (SELECT 1 FROM shares WHERE file = ?1)",
      number, code, message);
  return file_moved(*database_, changed, number, move);
}

Result<void> Ledger::move_mark(FileNumber number, const ReadMark& mark) {
  assert(database_->in_transaction());
  const auto changed = database_->run(
      "UPDATE files SET mark_offset = ?2, mark_line = ?3, mark_records = ?4, mark_local_rejected = ?5,"
      " mark_local_length = ?6, mark_local_unknown = ?7 WHERE number = ?1 AND state = 1 AND mark_offset <= "
      "?2",
      number, mark.offset, mark.line, mark.records, mark.local_rejected, mark.local_length,
      mark.local_unknown);
  return file_moved(*database_, changed, number,
                    fmt::format("move the mark of file {} to {}", number, mark.offset));
}

Result<void> Ledger::file_settled(FileNumber number, std::uint64_t records, const Outcomes& outcomes,
                                  WallTime finished) {
  assert(database_->in_transaction());
  const auto move = fmt::format("settle file {}", number);
  if (outcomes.ended() != records)
    return Error{Errc::corrupt,
                 fmt::format("{}: {} records have {} outcomes", move, records, outcomes.ended())};
  const auto busy = has_open_batches(number);
  if (!busy)
    return busy.error().within(move);
  if (*busy)
    return Error{Errc::corrupt, fmt::format("{}: a batch of it has not ended", move)};
  const auto changed = database_->run(
      "UPDATE files SET state = 3, records = ?2, imported = ?3, rejected = ?4, merged = ?5, unknown = ?6,"
      " rekeyed = ?7, finished = ?8, kept_done = (state = 1), kept_rejected = (state = 2 OR ?4 + ?6 > 0)"
      " WHERE number = ?1 AND (state = 1 OR (state = 2 AND ?2 = 0))"
      " AND NOT EXISTS (SELECT 1 FROM singles WHERE file = ?1)",
      number, records, outcomes.imported, outcomes.rejected, outcomes.merged, outcomes.unknown,
      outcomes.rekeyed, finished);
  return file_moved(*database_, changed, number, move);
}

}  // namespace usherd
