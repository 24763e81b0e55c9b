#pragma once

#include "usherd/adapters/posix_files.hpp"

#include <atomic>
#include <functional>
#include <limits>
#include <map>
#include <string>

namespace usherd::test {

/// The real disk until the n-th effect, from which on nothing works any more: a process that died there. With
/// `after_rename` a test puts its hand in between.
class StoppingFiles final : public Files {
 public:
  std::atomic<long> effects_left{std::numeric_limits<long>::max()};
  Errc failure = Errc::io;
  std::function<void(const std::string& from, const std::string& to)> after_rename;
  /// What the n-th rename from now on answers though it works.
  std::map<int, Error> untrue_renames;
  std::function<Result<void>(const std::string& path)> before_open;
  std::function<Result<void>(const std::string& path)> before_stat;
  std::function<void(const std::string& path, FileStat& found)> change_stat;
  std::function<Result<void>(const std::string& from, const std::string& to)> before_rename;
  std::function<Result<void>(const std::string& directory)> before_list;

  Result<std::unique_ptr<ReadFile>> open(const std::string& path) override {
    if (before_open) {
      if (auto allowed = before_open(path); !allowed)
        return allowed.error();
    }
    if (effects_left <= 0)
      return dead();
    return disk_.open(path);
  }
  Result<std::unique_ptr<WriteFile>> write(const std::string& path, WriteMode mode,
                                           std::uint64_t keep) override {
    if (!effect())
      return dead();
    return disk_.write(path, mode, keep);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (before_rename) {
      if (auto allowed = before_rename(from, to); !allowed)
        return allowed;
    }
    if (!effect())
      return dead();
    auto renamed = disk_.rename(from, to);
    if (after_rename)
      after_rename(from, to);
    const auto untrue = untrue_renames.find(++renames_);
    return untrue == untrue_renames.end() ? renamed : Result<void>(untrue->second);
  }
  Result<void> remove(const std::string& path) override {
    if (!effect())
      return dead();
    return disk_.remove(path);
  }
  Result<void> list(const std::string& directory,
                    const std::function<bool(std::string_view)>& visit) override {
    if (before_list) {
      if (auto allowed = before_list(directory); !allowed)
        return allowed;
    }
    if (effects_left <= 0)
      return dead();
    return disk_.list(directory, visit);
  }
  Result<FileStat> stat(const std::string& path) override {
    if (before_stat) {
      if (auto allowed = before_stat(path); !allowed)
        return allowed.error();
    }
    if (effects_left <= 0)
      return dead();
    auto found = disk_.stat(path);
    if (found && change_stat)
      change_stat(path, *found);
    return found;
  }
  Result<void> sync(const std::string& path) override {
    if (!effect())
      return dead();
    return disk_.sync(path);
  }

 private:
  bool effect() { return effects_left.fetch_sub(1) > 0; }
  Error dead() const { return {failure, "the disk is gone"}; }

  PosixFiles disk_;
  int renames_ = 0;
};

}  // namespace usherd::test
