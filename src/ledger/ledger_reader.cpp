#include "usherd/ledger/ledger_reader.hpp"

#include "src/ledger/database.hpp"
#include "src/ledger/each_row.hpp"
#include "src/ledger/file_row.hpp"
#include "src/ledger/moves.hpp"
#include "src/ledger/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace usherd {
namespace {

/// Which of a batch's user keys are looked for; mostly none, so that this is a walk over an array.
Result<void> scan_keys(BatchId batch, std::string_view bytes, std::span<const std::uint64_t> sorted,
                       const std::function<Result<void>(const LedgerReader::Found&)>& visit) {
  if (bytes.size() % sizeof(std::uint64_t) != 0)
    return Error{Errc::corrupt, fmt::format("batch {}: user keys in the ledger are damaged", batch)};
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t key = 0;
    std::memcpy(&key, bytes.data() + at, sizeof key);
    const bool wanted =
        sorted.size() == 1 ? key == sorted.front() : std::binary_search(sorted.begin(), sorted.end(), key);
    if (!wanted)
      continue;
    if (auto visited = visit({batch, at / sizeof key, key}); !visited)
      return visited;
  }
  return {};
}

}  // namespace

LedgerReader::LedgerReader(std::unique_ptr<Database> database) : database_(std::move(database)) {}
LedgerReader::~LedgerReader() = default;

Result<std::unique_ptr<LedgerReader>> LedgerReader::open(const std::string& directory) {
  auto database = Database::open_to_read(directory + "/ledger.sqlite");
  if (!database)
    return database.error();
  const auto tables = (*database)->single_value("SELECT count(*) FROM sqlite_schema WHERE name = 'bodies'");
  if (!tables)
    return tables.error();
  if (*tables != "1")
    return Error{Errc::corrupt, fmt::format("{} is no ledger of this usherd", (*database)->path())};
  if (auto known = check_format(**database); !known)
    return known.error();
  return std::unique_ptr<LedgerReader>(new LedgerReader(std::move(*database)));
}

Result<void> LedgerReader::hold_still() {
  if (database_->in_transaction()) {
    if (auto ended = database_->script("COMMIT"); !ended)
      return ended;
  }
  // The first read fixes the moment.
  return database_->script("BEGIN; SELECT count(*) FROM counters");
}

Result<std::optional<std::string>> LedgerReader::fact(std::string_view name) {
  return first_text(database_->query("SELECT value FROM facts WHERE name = ?", name));
}

Result<void> LedgerReader::find_users(std::span<const std::uint64_t> keys,
                                      const std::function<Result<void>(const Found&)>& visit) {
  std::vector<std::uint64_t> sorted(keys.begin(), keys.end());
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty())
    return {};
  const auto scan = [&](Statement& row) -> Result<void> {
    const auto batch = row.number();
    for (int column = 0; column < 2; ++column) {
      if (auto scanned = scan_keys(batch, row.bytes(), sorted, visit); !scanned)
        return scanned;
    }
    return {};
  };
  return each_row(database_->query("SELECT batch, users, seconds FROM bodies ORDER BY batch"), scan);
}

Result<LedgerReader::BatchFacts> LedgerReader::batch(BatchId id) {
  auto found = database_->query(
      "SELECT state, manifest, job, submitted, finished FROM batches JOIN bodies ON batch = id WHERE id = ?",
      id);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  if (!*row)
    return Error{Errc::not_found, fmt::format("the ledger holds no batch {}", id)};
  BatchFacts facts;
  facts.state = static_cast<BatchState>(found->number());
  auto manifest = Manifest::decode(found->bytes());
  if (!manifest)
    return manifest.error().within(fmt::format("batch {}", id));
  facts.manifest = std::move(*manifest);
  facts.job = found->text();
  facts.submitted = found->optional_wall();
  facts.finished = found->optional_wall();
  return facts;
}

Result<std::optional<Outcomes>> LedgerReader::outcomes(BatchId batch, FileNumber file) {
  auto found = database_->query(
      "SELECT imported, rejected, merged, unknown, rekeyed FROM shares WHERE batch = ? AND file = ?", batch,
      file);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  if (!*row)
    return std::optional<Outcomes>{};
  Outcomes outcomes;
  outcomes.imported = found->number();
  outcomes.rejected = found->number();
  outcomes.merged = found->number();
  outcomes.unknown = found->number();
  outcomes.rekeyed = found->number();
  return std::optional(outcomes);
}

Result<std::optional<SpoolFile>> LedgerReader::file(FileNumber number) {
  return one_file(database_->query("SELECT " USHERD_FILE_COLUMNS " FROM files WHERE number = ?", number));
}

Result<std::optional<SpoolFile>> LedgerReader::file_named(std::string_view name) {
  return one_file(database_->query("SELECT " USHERD_FILE_COLUMNS " FROM files WHERE name = ?", name));
}

Result<std::vector<SpoolFile>> LedgerReader::open_files(FileNumber after, std::size_t most) {
  return all_files(database_->query("SELECT " USHERD_FILE_COLUMNS
                                    " FROM files WHERE state < 3 AND number > ? ORDER BY number LIMIT ?",
                                    after, most));
}

Result<std::vector<Run>> LedgerReader::singles() {
  return read_singles(
      database_->query("SELECT file, offset, length, line FROM singles ORDER BY file, offset"));
}

Result<FileNumber> LedgerReader::last_file_number() {
  return counter(*database_, kFileCounter);
}

Result<FileNumber> LedgerReader::last_forgotten() {
  return counter(*database_, kForgottenCounter);
}

}  // namespace usherd
