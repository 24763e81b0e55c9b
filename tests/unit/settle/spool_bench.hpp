#pragma once

#include "tests/fakes/temp_directory.hpp"
#include "tests/unit/ledger/scratch.hpp"
#include "usherd/adapters/posix_files.hpp"
#include "usherd/settle/settlement.hpp"
#include "usherd/spool/layout.hpp"

#include <functional>
#include <map>
#include <utility>

namespace usherd::test {

/// A file system that dies at its n-th effect, before or after that took place; then nothing works any more.
class MortalFiles final : public Files {
 public:
  explicit MortalFiles(Files& files) : files_(files) {}

  /// 0 for never.
  void die_at(std::size_t effect, bool after) {
    effects_ = 0;
    fatal_ = effect;
    after_ = after;
    dead_ = false;
  }
  /// Somebody else acts right before the first rename from or to that path, once.
  void before(const std::string& path, std::function<void()> act) { before_ = {path, std::move(act)}; }
  [[nodiscard]] std::size_t effects() const { return effects_; }
  [[nodiscard]] bool dead() const { return dead_; }

  Result<std::unique_ptr<ReadFile>> open(const std::string& path) override {
    return dead_ ? Result<std::unique_ptr<ReadFile>>(death()) : files_.open(path);
  }
  Result<std::unique_ptr<WriteFile>> write(const std::string& path, WriteMode mode,
                                           std::uint64_t keep) override;
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (before_.second && (from == before_.first || to == before_.first))
      std::exchange(before_.second, nullptr)();
    return effect([&] { return files_.rename(from, to); });
  }
  Result<void> remove(const std::string& path) override {
    return effect([&] { return files_.remove(path); });
  }
  Result<void> list(const std::string& directory,
                    const std::function<bool(std::string_view)>& visit) override {
    return dead_ ? Result<void>(death()) : files_.list(directory, visit);
  }
  Result<FileStat> stat(const std::string& path) override {
    return dead_ ? Result<FileStat>(death()) : files_.stat(path);
  }
  Result<void> sync(const std::string& path) override {
    return effect([&] { return files_.sync(path); });
  }

  template <class Act>
  auto effect(Act act) -> decltype(act()) {
    if (dead_)
      return death();
    if (++effects_ != fatal_)
      return act();
    dead_ = true;
    if (after_)
      (void)act();
    return death();
  }

 private:
  static Error death() { return {Errc::io, "the power is gone"}; }

  Files& files_;
  std::size_t effects_ = 0;
  std::size_t fatal_ = 0;
  bool after_ = false;
  bool dead_ = false;
  std::pair<std::string, std::function<void()>> before_;
};

/// A file being written on such a file system.
class MortalWriteFile final : public WriteFile {
 public:
  MortalWriteFile(MortalFiles& files, std::unique_ptr<WriteFile> file)
      : files_(files), file_(std::move(file)) {}
  Result<void> append(std::string_view bytes) override {
    return files_.effect([&] { return file_->append(bytes); });
  }
  Result<void> sync() override {
    return files_.effect([&] { return file_->sync(); });
  }

 private:
  MortalFiles& files_;
  std::unique_ptr<WriteFile> file_;
};

inline Result<std::unique_ptr<WriteFile>> MortalFiles::write(const std::string& path, WriteMode mode,
                                                             std::uint64_t keep) {
  auto file = effect([&] { return files_.write(path, mode, keep); });
  if (!file)
    return file.error();
  return std::unique_ptr<WriteFile>(std::make_unique<MortalWriteFile>(*this, std::move(*file)));
}

using fakes::read_file;
using fakes::write_file;

/// Everything that a folder holds, by name.
using Contents = std::map<std::string, std::string>;

/// A spool with its ledger.
struct SpoolBench {
  LedgerBench ledger;
  Scratch directory;
  SpoolLayout layout{directory.path()};
  PosixFiles disk;
  MortalFiles files{disk};
  Settlement settlement{files, layout};

  SpoolBench() {
    for (const auto& folder : {layout.incoming(), layout.working(), layout.done(), layout.rejected()})
      std::filesystem::create_directory(folder);
  }

  /// A file in working/ and in the ledger, accepted.
  SpoolFile accept(FileNumber number, const std::string& name, std::string_view bytes) {
    SpoolFile file = sample_file(number);
    file.name = name;
    file.original = name;
    file.working = SpoolLayout::working_name(number, name);
    file.size = bytes.size();
    write_file(layout.working_file(file), bytes);
    REQUIRE(ledger.commit([&](Ledger& changed) { return changed.insert_file(file); }));
    return file;
  }

  [[nodiscard]] Contents contents() const {
    Contents found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path())) {
      if (entry.is_regular_file())
        found[std::filesystem::relative(entry.path(), directory.path()).string()] = read_file(entry.path());
    }
    return found;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& [name, bytes] : contents())
      found.push_back(name);
    return found;
  }
};

}  // namespace usherd::test
