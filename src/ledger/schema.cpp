#include "src/ledger/schema.hpp"

#include <fmt/format.h>

namespace usherd {
namespace {

constexpr int kSchemaVersion = 3;
constexpr const char* kApplicationId = "1970500196";  // "usrd"

// Bodies stand apart from batches: SQLite writes a whole row at each change of it, and a body is large and
// final.
constexpr const char* kTables = R"(
BEGIN IMMEDIATE;
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE files (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  original BLOB NOT NULL,
  working TEXT NOT NULL,
  state INTEGER NOT NULL,
  size INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  converted INTEGER NOT NULL,
  read_size INTEGER NOT NULL,
  mark_offset INTEGER NOT NULL,
  mark_line INTEGER NOT NULL,
  mark_records INTEGER NOT NULL,
  mark_local_rejected INTEGER NOT NULL,
  mark_local_length INTEGER NOT NULL,
  mark_local_unknown INTEGER NOT NULL DEFAULT 0,
  refusal_code TEXT NOT NULL,
  refusal_message TEXT NOT NULL,
  records INTEGER NOT NULL DEFAULT 0,
  imported INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  merged INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0,
  rekeyed INTEGER NOT NULL DEFAULT 0,
  finished INTEGER,
  kept_done INTEGER NOT NULL DEFAULT 0,
  kept_rejected INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX files_open ON files (number) WHERE state < 3;
CREATE INDEX files_finished ON files (finished, number) WHERE state = 3;
CREATE INDEX files_kept_done ON files (finished, number) WHERE kept_done = 1;
CREATE INDEX files_kept_rejected ON files (finished, number) WHERE kept_rejected = 1;
CREATE TABLE batches (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  state INTEGER NOT NULL,
  framing INTEGER NOT NULL,
  body_length INTEGER NOT NULL,
  digest BLOB NOT NULL,
  created INTEGER NOT NULL,
  sent_wall INTEGER,
  sent_boot INTEGER,
  sent_boot_id TEXT,
  abandoned INTEGER NOT NULL,
  rekey_reason TEXT NOT NULL,
  tries_without_verdict INTEGER NOT NULL,
  job TEXT NOT NULL,
  job_created INTEGER,
  submitted INTEGER,
  finished INTEGER,
  heir_of INTEGER NOT NULL DEFAULT 0,
  held_keys INTEGER NOT NULL DEFAULT 0,
  held_operations INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX batches_open ON batches (id) WHERE state < 2;
CREATE INDEX batches_heirs ON batches (heir_of) WHERE heir_of > 0;
CREATE TABLE bodies (
  batch INTEGER PRIMARY KEY REFERENCES batches (id),
  manifest BLOB NOT NULL,
  users BLOB NOT NULL,
  seconds BLOB NOT NULL
) STRICT;
CREATE TABLE shares (
  batch INTEGER NOT NULL REFERENCES batches (id),
  file INTEGER NOT NULL REFERENCES files (number),
  end_offset INTEGER NOT NULL,
  records INTEGER NOT NULL,
  imported INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  merged INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  rekeyed INTEGER NOT NULL,
  has_rejects INTEGER NOT NULL,
  PRIMARY KEY (batch, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX shares_of_file ON shares (file, end_offset);
CREATE TABLE singles (
  file INTEGER NOT NULL REFERENCES files (number),
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (file, offset)
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1970500196;
PRAGMA user_version = 3;
COMMIT;
)";

constexpr const char* kFromFirst = R"(
BEGIN IMMEDIATE;
ALTER TABLE batches ADD COLUMN heir_of INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN held_keys INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN held_operations INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batches_heirs ON batches (heir_of) WHERE heir_of > 0;
PRAGMA user_version = 2;
COMMIT;
)";

constexpr const char* kFromSecond = R"(
BEGIN IMMEDIATE;
ALTER TABLE files ADD COLUMN mark_local_unknown INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 3;
COMMIT;
)";

// Some builds of SQLite zero what is freed, so that forgetting would take as much room of the log as it gives
// back; nothing here needs to be shredded, as users are keyed hashes.
constexpr const char* kConnection = R"(
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA cell_size_check = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -2048;
PRAGMA journal_size_limit = 67108864;
PRAGMA secure_delete = OFF;
)";

Error other_format(const Database& database, std::string_view version) {
  return {Errc::invalid,
          fmt::format("{} has format {}, this usherd knows format {}: install the version of usherd that "
                      "wrote it, or a newer one",
                      database.path(), version, kSchemaVersion)};
}

/// What an opened database is.
enum class Found : std::uint8_t { empty, first_format, second_format, present_format };

Result<Found> look_at(Database& database) {
  const auto application = database.single_value("PRAGMA application_id");
  if (!application)
    return application.error();
  const auto version = database.single_value("PRAGMA user_version");
  if (!version)
    return version.error();
  const auto tables = database.single_value("SELECT count(*) FROM sqlite_schema");
  if (!tables)
    return tables.error();
  if (*application == "0" && *version == "0" && *tables == "0")
    return Found::empty;
  if (*application != kApplicationId)
    return Error{Errc::corrupt,
                 fmt::format("{} is an SQLite database, but not a ledger of usherd: move it away, or correct "
                             "state.directory",
                             database.path())};
  if (*version == "1")
    return Found::first_format;
  if (*version == "2")
    return Found::second_format;
  if (*version != fmt::format("{}", kSchemaVersion))
    return other_format(database, *version);
  return Found::present_format;
}

}  // namespace

Result<void> prepare_schema(Database& database) {
  const auto found = look_at(database);
  if (!found)
    return found.error();
  if (*found == Found::empty) {
    // Takes effect only before the first page is written, and switching to WAL writes it.
    const auto vacuum = database.script("PRAGMA auto_vacuum = INCREMENTAL");
    if (!vacuum)
      return vacuum.error();
  }
  const auto mode = database.single_value("PRAGMA journal_mode = WAL");
  if (!mode)
    return mode.error();
  if (*mode != "wal")
    return Error{Errc::io,
                 fmt::format("{}: its file system does not carry a write-ahead log", database.path())};
  database.checkpoint_by_room();
  auto connection = database.script(kConnection);
  if (!connection || *found == Found::present_format)
    return connection;
  if (*found == Found::empty)
    return database.script(kTables);
  if (*found == Found::first_format) {
    if (auto taken_over = database.script(kFromFirst); !taken_over)
      return taken_over;
  }
  return database.script(kFromSecond);
}

Result<void> check_format(Database& database) {
  const auto version = database.single_value("PRAGMA user_version");
  if (!version)
    return version.error();
  if (*version == fmt::format("{}", kSchemaVersion))
    return {};
  if (*version != "1" && *version != "2")
    return other_format(database, *version);
  return Error{Errc::invalid, fmt::format("{} has format {}, this usherd reads format {}: start usherd once, "
                                          "which takes it over",
                                          database.path(), *version, kSchemaVersion)};
}

}  // namespace usherd
