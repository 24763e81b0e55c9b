#pragma once

#include "usherd/ports/files.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::fakes {

/// A file system in memory that forgets what was not synced. A file's bytes are durable once the file was
/// synced, a create, rename or remove, with the change time that it brings, once a directory it touches was;
/// a rename is whole or not at all. Effects (opens for writing, appends, syncs, renames, removes) are
/// counted, and one or all from one on can be made to fail, having done nothing; what was appended to a file
/// whose sync failed stays unwritten whatever is synced later, as by Linux, until it is appended anew. Safe
/// to use from several threads at once.
class MemFiles final : public Files {
 public:
  MemFiles();
  ~MemFiles() override;

  [[nodiscard]] Result<std::unique_ptr<ReadFile>> open(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<WriteFile>> write(const std::string& path, WriteMode mode,
                                                         std::uint64_t keep = 0) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> list(const std::string& directory,
                                  const std::function<bool(std::string_view)>& visit) override;
  [[nodiscard]] Result<FileStat> stat(const std::string& path) override;
  [[nodiscard]] Result<void> sync(const std::string& path) override;

  /// What the test arranges counts as no effect, cannot fail, and is durable.
  void make(const std::string& path, FileKind kind);
  void make_directory(const std::string& path) { make(path, FileKind::directory); }
  /// As a producer's finished drop; replaces what was there.
  void put(const std::string& path, std::string_view bytes);
  void link(const std::string& from, const std::string& to);
  /// A folder, with all that is in it, gets another name, as by `mv` or a mount.
  void move_folder(const std::string& from, const std::string& to);
  [[nodiscard]] bool exists(const std::string& path) const;
  /// "" when there is no such file.
  [[nodiscard]] std::string content(const std::string& path) const;
  /// Sorted.
  [[nodiscard]] std::vector<std::string> names(const std::string& directory) const;
  /// Time of changes from now on, in nanoseconds since 1970; each change adds one.
  void set_time(std::int64_t nanoseconds);

  /// The power fails: only what is durable is left. Open files write into nothing from now on.
  void drop_unsynced();
  [[nodiscard]] std::uint64_t effects() const;
  /// Calls of begin_sync().
  [[nodiscard]] std::uint64_t begun_syncs() const;
  /// Effect number `effect` (the first ever is 1) fails once.
  void fail_at(std::uint64_t effect, Error error);
  /// It and all later ones fail until heal().
  void fail_from(std::uint64_t effect, Error error);
  /// Of the opens for reading from now on, that one (the first is 1) fails, once.
  void fail_open(std::uint64_t number, Error error);
  void heal();

  struct Node;
  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace usherd::fakes
