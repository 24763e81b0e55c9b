#include "src/ledger/database.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace usherd {
namespace {

// A stranger who reads the ledger may hold a lock for a moment; the ledger's thread waits no longer than
// this.
constexpr int kBusyTimeoutMs = 1000;

// A checkpoint syncs the database file, so it stays rare beside the commits. But the log must not take the
// last of a disk, and what it holds needs room in the database before it can be given up.
constexpr std::uint64_t kMostLog = std::uint64_t{16} << 20;
constexpr std::uint64_t kLeastLog = std::uint64_t{256} << 10;
constexpr std::uint64_t kShareOfFree = 16;
constexpr std::uint64_t kPage = 4096;

// A transaction that moves few pages finds room also on a disk that has little; all of them together must not
// hold up the changes that come next.
constexpr const char* kGiveBack = "PRAGMA incremental_vacuum(64)";
constexpr int kMostSteps = 16;

std::uint64_t most_log(const std::string& path) {
  std::error_code failed;
  const auto room = std::filesystem::space(std::filesystem::path(path).parent_path(), failed);
  return failed ? kMostLog : std::clamp<std::uint64_t>(room.available / kShareOfFree, kLeastLog, kMostLog);
}

/// Called by SQLite after each commit. What fails here is tried again after the next.
int checkpoint_if_long(void* path, sqlite3* handle, const char* database, int pages) {
  const auto log = static_cast<std::uint64_t>(pages) * kPage;
  if (log >= kLeastLog && log >= most_log(*static_cast<const std::string*>(path)))
    sqlite3_wal_checkpoint_v2(handle, database, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  return SQLITE_OK;
}

Errc kind_of(int code, int system_errno) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return Errc::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Errc::denied;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG ? Errc::no_space
                                                                                       : Errc::io;
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
      return Errc::io;
    case SQLITE_TOOBIG:
      return Errc::invalid;
    default:
      return Errc::corrupt;
  }
}

/// SQLite takes no link anywhere in a path that it must not follow one in: the folders' own are the
/// operator's, only the file must be none.
std::string without_links(const std::string& path) {
  const auto slash = path.rfind('/');
  std::error_code failed;
  const auto folder = std::filesystem::canonical(path.substr(0, slash + 1), failed);
  return failed || slash == std::string::npos ? path : (folder / path.substr(slash + 1)).string();
}

Error not_writable(const std::string& path) {
  const bool closed = ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0;
  const auto why = closed ? Error::system(errno, path) : Error{Errc::io, path + ": opened for reading alone"};
  return {why.code, why.message +
                        ": it must be writable, so give it and its -wal and -shm to usherd (chown), "
                        "or look after its disk"};
}

/// What SQLite's words leave out where it could not read, write or open something: that the disk is full or
/// read-only. Beside the database it must make what it needs even to read. Empty where neither holds.
std::string disk_fault(const std::string& path, int code, int system_errno) {
  // Less than the index of its log takes.
  constexpr std::uint64_t kLeastRoom = std::uint64_t{64} << 10;
  const int kind = code & 0xFF;
  const bool may_be =
      kind == SQLITE_FULL || kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY;
  const bool is_closed = system_errno == EACCES || system_errno == EPERM;
  const auto folder = path.substr(0, path.rfind('/') + 1);
  struct ::statvfs found {};
  if (!may_be || is_closed || ::statvfs(folder.c_str(), &found) != 0)
    return {};
  if ((found.f_flag & ST_RDONLY) != 0)
    return fmt::format("the file system of {} is read-only", folder);
  const bool is_full = system_errno == ENOSPC || std::uint64_t{found.f_bavail} * found.f_frsize < kLeastRoom;
  return is_full ? fmt::format("no space left on the file system of {}, make room", folder) : std::string();
}

/// What the last read or write of it that failed met.
int errno_of(sqlite3_file* file) {
  int number = 0;
  if (file != nullptr && file->pMethods != nullptr)
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
  return number;
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      sql_(other.sql_),
      handle_(std::exchange(other.handle_, nullptr)),
      bound_(other.bound_),
      column_(other.column_) {}

Statement::~Statement() {
  if (handle_ == nullptr)
    return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  database_->idle_[sql_].push_back(handle_);
}

void Statement::bind(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(handle_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(Blob blob) {
  const char* data = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  sqlite3_bind_blob64(handle_, ++bound_, data, blob.bytes.size(), SQLITE_STATIC);
}

Result<bool> Statement::row() {
  column_ = 0;
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW)
    return true;
  if (code == SQLITE_DONE)
    return false;
  return database_->failure(code);
}

std::optional<WallTime> Statement::optional_wall() {
  if (null_ahead()) {
    ++column_;
    return std::nullopt;
  }
  return wall();
}

std::string_view Statement::bytes() {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column_));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column_));
  ++column_;
  return data == nullptr ? std::string_view{} : std::string_view{data, size};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  return open_with(path, SQLITE_OPEN_READWRITE, nullptr);
}

Result<std::unique_ptr<Database>> Database::open_to_read(const std::string& path) {
  return open_with(path, SQLITE_OPEN_READONLY, nullptr);
}

Result<std::unique_ptr<Database>> Database::open_in(const char* vfs, const std::string& path) {
  return open_with(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs);
}

Result<std::unique_ptr<Database>> Database::open_with(const std::string& path, int flags, const char* vfs) {
  std::unique_ptr<Database> database(new Database(path));
  flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  const auto direct = vfs == nullptr ? without_links(path) : path;
  const int code = sqlite3_open_v2(direct.c_str(), &database->handle_, flags, vfs);
  if (code != SQLITE_OK)
    return database->failure(code);
  // SQLite falls back to reading alone, and would stay so for good.
  if ((flags & SQLITE_OPEN_READWRITE) != 0 && sqlite3_db_readonly(database->handle_, "main") == 1)
    return not_writable(path);
  sqlite3_busy_timeout(database->handle_, kBusyTimeoutMs);
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

Database::~Database() {
  for (auto& [sql, handles] : idle_) {
    for (auto* handle : handles)
      sqlite3_finalize(handle);
  }
  sqlite3_close_v2(handle_);
}

Result<Statement> Database::prepare(const char* sql) {
  auto& idle = idle_[sql];
  if (!idle.empty()) {
    auto* handle = idle.back();
    idle.pop_back();
    return Statement(*this, sql, handle);
  }
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK)
    return failure(code);
  return Statement(*this, sql, handle);
}

Result<void> Database::script(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    return failure(code);
  return {};
}

Result<std::string> Database::single_value(const char* sql) {
  auto statement = prepare(sql);
  if (!statement)
    return statement.error();
  const auto row = statement->row();
  if (!row)
    return row.error();
  return *row ? statement->text() : std::string{};
}

Result<void> Database::sync_log() {
  sqlite3_file* log = nullptr;
  const int asked =
      sqlite3_file_control(handle_, nullptr, SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (asked != SQLITE_OK)
    return failure(asked);
  if (log == nullptr || log->pMethods == nullptr)
    return {};
  const int synced = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (synced != SQLITE_OK)
    return Error{Errc::io, fmt::format("{}: sync its log: {}", path_, sqlite3_errstr(synced))};
  return {};
}

void Database::checkpoint_by_room() {
  sqlite3_wal_hook(handle_, checkpoint_if_long, &path_);
}

bool Database::cut_log() {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path_ + "-wal", failed);
  if (failed || size < kLeastLog)
    return false;
  sqlite3_busy_timeout(handle_, 0);
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(handle_, kBusyTimeoutMs);
  return code == SQLITE_OK;
}

void Database::give_back() {
  for (int step = 0; gives_back_ && step < kMostSteps; ++step) {
    const auto given = run(kGiveBack);
    const auto left = given ? single_value("PRAGMA freelist_count") : Result<std::string>(given.error());
    gives_back_ = left && *left != "0";
  }
  gives_back_ = false;
}

int Database::unread() const {
  for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(handle_, nullptr, which, static_cast<void*>(&file));
    const int number = errno_of(file);
    if (number == EIO || number == ENXIO)
      return number;
  }
  return 0;
}

Error Database::failure(int code) const {
  if ((code & 0xFF) == SQLITE_CORRUPT) {
    if (const int number = unread(); number != 0)
      return Error::system(number, path_);
  }
  const int system_errno = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  const char* words = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  const auto fault = disk_fault(path_, code, system_errno);
  return {kind_of(code, system_errno),
          fmt::format("{}: {}", path_, fault.empty() ? words : fmt::format("{} ({})", fault, words))};
}

Result<std::uint64_t> Database::finish(Statement& statement) {
  while (true) {
    const auto row = statement.row();
    if (!row)
      return row.error();
    if (!*row)
      return static_cast<std::uint64_t>(sqlite3_changes64(handle_));
  }
}

}  // namespace usherd
