#include "usherd/ledger/ledger.hpp"

#include "src/ledger/database.hpp"
#include "src/ledger/schema.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace usherd {
namespace {

constexpr mode_t kMode = 0600;

std::string path_in(const std::string& directory) {
  return directory + "/ledger.sqlite";
}

// SQLite would make the file readable by all; its log and index take their mode from it.
Result<void> make_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode);
  if (file < 0 && errno != EEXIST)
    return Error::system(errno, path);
  if (file >= 0)
    ::close(file);
  return {};
}

Result<void> sync_directory(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return Error::system(errno, directory);
  const int failure = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  if (failure != 0)
    return Error::system(failure, directory);
  return {};
}

/// What is read from now on is on the disk, too: others act on it.
Result<void> prepare(Database& database) {
  auto prepared = prepare_schema(database);
  if (prepared)
    prepared = database.sync_log();
  // A process that was killed may have left a log that takes the last of the disk.
  if (prepared)
    database.cut_log();
  return prepared;
}

bool is_full(const Result<void>& done) {
  return !done && done.error().code == Errc::no_space;
}

/// Rolls back what was not committed, also when a change throws.
class Rollback {
 public:
  explicit Rollback(Database& database) : database_(database) {}
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() {
    // SQLite has rolled back by itself after some errors. What fails here is undone by the next opening.
    if (database_.in_transaction())
      (void)database_.run("ROLLBACK");
  }

 private:
  Database& database_;
};

}  // namespace

Ledger::Ledger(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& directory) {
  const auto path = path_in(directory);
  const auto made = make_file(path);
  if (!made)
    return made.error();
  auto database = Database::open(path);
  if (!database)
    return database.error();
  const auto prepared = prepare(**database);
  if (!prepared)
    return prepared.error();
  const auto synced = sync_directory(directory);
  if (!synced)
    return synced.error();
  return std::unique_ptr<Ledger>(new Ledger(std::move(*database)));
}

Result<std::unique_ptr<Ledger>> Ledger::open_in(const char* vfs, const std::string& directory) {
  auto database = Database::open_in(vfs, path_in(directory));
  if (!database)
    return database.error();
  const auto prepared = prepare(**database);
  if (!prepared)
    return prepared.error();
  return std::unique_ptr<Ledger>(new Ledger(std::move(*database)));
}

Result<void> Ledger::transaction(const std::function<Result<void>()>& change) {
  // What was given to a full disk since is for the database: its log goes with it.
  if (full_)
    database_->cut_log();
  auto done = try_transaction(change);
  if (is_full(done) && database_->cut_log())
    done = try_transaction(change);
  full_ = is_full(done);
  if (done)
    database_->give_back();
  return done;
}

Result<void> Ledger::try_transaction(const std::function<Result<void>()>& change) {
  assert(!database_->in_transaction());
  const auto begun = database_->run("BEGIN IMMEDIATE");
  if (!begun)
    return begun.error();
  const Rollback rollback(*database_);
  auto changed = change();
  if (!changed)
    return changed;
  const auto committed = database_->run("COMMIT");
  if (!committed)
    return committed.error();
  return {};
}

Result<std::optional<std::string>> Ledger::fact(std::string_view name) {
  auto found = database_->query("SELECT value FROM facts WHERE name = ?", name);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  if (!*row)
    return std::optional<std::string>{};
  return std::optional<std::string>{found->text()};
}

Result<void> Ledger::set_fact(std::string_view name, std::string_view value) {
  assert(database_->in_transaction());
  const auto changed = database_->run(
      "INSERT INTO facts VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name,
      Blob{value});
  if (!changed)
    return changed.error().within(fmt::format("write down {}", name));
  return {};
}

Result<std::uint64_t> Ledger::size() const {
  std::error_code failure;
  const auto main = std::filesystem::file_size(database_->path(), failure);
  if (failure)
    return Error::system(failure.value(), database_->path());
  const auto log = std::filesystem::file_size(database_->path() + "-wal", failure);
  return main + (failure ? 0 : log);
}

Result<void> Ledger::check() {
  const auto found = database_->single_value("PRAGMA integrity_check(1)");
  if (!found)
    return found.error();
  if (*found != "ok")
    return Error{Errc::corrupt, fmt::format("{}: {}", database_->path(), *found)};
  const auto dangling = database_->single_value("SELECT count(*) FROM pragma_foreign_key_check");
  if (!dangling)
    return dangling.error();
  if (*dangling != "0")
    return Error{Errc::corrupt, fmt::format("{}: {} rows name a file or batch that is not there",
                                            database_->path(), *dangling)};
  return {};
}

}  // namespace usherd
