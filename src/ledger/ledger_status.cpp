#include "src/ledger/database.hpp"
#include "src/ledger/each_row.hpp"
#include "usherd/ledger/ledger.hpp"

namespace usherd {

Result<void> Ledger::backlog(FileNumber after, const std::function<void(const BacklogFile&)>& visit) {
  auto found = database_->query(
      "SELECT number, accepted, CASE state WHEN 0 THEN size WHEN 1 THEN MAX(read_size - mark_offset, 0) ELSE "
      "0"
      " END FROM files WHERE state < 3 AND number > ? ORDER BY number",
      after);
  return each_row(std::move(found), [&visit](Statement& row) -> Result<void> {
    BacklogFile file;
    file.number = row.number();
    file.accepted = row.wall();
    file.unread = row.number();
    visit(file);
    return {};
  });
}

Result<std::optional<Ledger::FileEnd>> Ledger::file_end(std::string_view name) {
  auto found = database_->query(
      "SELECT number, records, imported, rejected, merged, unknown, rekeyed, finished FROM files"
      " WHERE name = ?",
      name);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  if (!*row)
    return std::optional<FileEnd>{};
  FileEnd end;
  end.number = found->number();
  end.records = found->number();
  end.outcomes.imported = found->number();
  end.outcomes.rejected = found->number();
  end.outcomes.merged = found->number();
  end.outcomes.unknown = found->number();
  end.outcomes.rekeyed = found->number();
  end.finished = found->optional_wall();
  return std::optional(end);
}

Result<std::optional<std::string>> Ledger::kept_name_of(std::string_view original) {
  return first_text(database_->query(
      "SELECT name FROM (SELECT number, name, original FROM files ORDER BY number DESC LIMIT ?)"
      " WHERE original = ? ORDER BY number DESC LIMIT 1",
      kMostLookedThrough, Blob{original}));
}

}  // namespace usherd
