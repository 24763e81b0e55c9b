#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/result.hpp"

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace usherd {

class Database;

/// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement on loan from its Database, which must outlive it; goes back, reset, when destroyed.
/// Parameters are bound, and columns are read, from left to right. Bound text must live until the last step.
class Statement {
 public:
  Statement(Database& database, const char* sql, sqlite3_stmt* handle)
      : database_(&database), sql_(sql), handle_(handle) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  void bind(std::nullopt_t) { sqlite3_bind_null(handle_, ++bound_); }
  void bind(std::string_view text);
  void bind(Blob blob);
  void bind(WallTime time) { sqlite3_bind_int64(handle_, ++bound_, time.time_since_epoch().count()); }
  void bind(BootTime time) { sqlite3_bind_int64(handle_, ++bound_, time.time_since_epoch().count()); }
  template <std::integral Number>
  void bind(Number number) {
    sqlite3_bind_int64(handle_, ++bound_, static_cast<std::int64_t>(number));
  }
  template <class Value>
  void bind(const std::optional<Value>& value) {
    if (value)
      bind(*value);
    else
      bind(std::nullopt);
  }

  /// Steps to the next row; false at the end.
  [[nodiscard]] Result<bool> row();

  [[nodiscard]] std::int64_t integer() { return sqlite3_column_int64(handle_, column_++); }
  [[nodiscard]] std::uint64_t number() { return static_cast<std::uint64_t>(integer()); }
  [[nodiscard]] bool flag() { return integer() != 0; }
  [[nodiscard]] WallTime wall() { return WallTime{WallTime::duration{integer()}}; }
  [[nodiscard]] std::optional<WallTime> optional_wall();
  /// Valid until the next step.
  [[nodiscard]] std::string_view bytes();
  [[nodiscard]] std::string text() { return std::string(bytes()); }
  [[nodiscard]] bool null_ahead() { return sqlite3_column_type(handle_, column_) == SQLITE_NULL; }

 private:
  Database* database_;
  const char* sql_;
  sqlite3_stmt* handle_;
  int bound_ = 0;
  int column_ = 0;
};

/// One SQLite connection and its prepared statements. Not thread-safe: one thread at a time.
class Database {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& path);
  /// One that cannot change anything.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open_to_read(const std::string& path);
  /// In an SQLite VFS of that name instead of the system's; made where it is missing.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open_in(const char* vfs, const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// `sql` is a literal: statements are kept by its address.
  [[nodiscard]] Result<Statement> prepare(const char* sql);

  /// The statement with its parameters bound, ready to be stepped.
  template <class... Values>
  [[nodiscard]] Result<Statement> query(const char* sql, const Values&... values) {
    auto statement = prepare(sql);
    if (statement)
      (statement->bind(values), ...);
    return statement;
  }

  /// Runs a statement to its end; the number of rows it changed.
  template <class... Values>
  [[nodiscard]] Result<std::uint64_t> run(const char* sql, const Values&... values) {
    auto statement = query(sql, values...);
    if (!statement)
      return statement.error();
    return finish(*statement);
  }

  /// Several statements without parameters, none of them kept.
  [[nodiscard]] Result<void> script(const char* sql);
  /// The first column of the first row.
  [[nodiscard]] Result<std::string> single_value(const char* sql);

  /// Makes durable what an opened database shows: the process that wrote its log may have died before it
  /// could sync it.
  [[nodiscard]] Result<void> sync_log();

  /// From now on a commit that leaves much in the log moves it into the database; less is much where little
  /// is free on the disk.
  void checkpoint_by_room();
  /// Gives the room of a log that is not small back to the disk; false when there was nothing to give, or the
  /// disk or a reader forbids it now. Waits for nobody.
  bool cut_log();
  /// The change under way frees pages: give_back() is to return some of them to the file system.
  void give_back_later() { gives_back_ = true; }
  /// Once that is committed, in small transactions of its own. What fails is left to a later one.
  void give_back();

  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  /// What an SQLite result code means, with SQLite's words.
  [[nodiscard]] Error failure(int code) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class Statement;
  [[nodiscard]] static Result<std::unique_ptr<Database>> open_with(const std::string& path, int flags,
                                                                   const char* vfs);
  explicit Database(std::string path) : path_(std::move(path)) {}
  /// SQLite calls malformed, too, what the disk does not give: the errno of that, or 0.
  [[nodiscard]] int unread() const;
  [[nodiscard]] Result<std::uint64_t> finish(Statement& statement);

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<const char*, std::vector<sqlite3_stmt*>> idle_;
  bool gives_back_ = false;
};

}  // namespace usherd
