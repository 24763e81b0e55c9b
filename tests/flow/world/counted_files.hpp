#pragma once

#include "tests/fakes/mem_files.hpp"
#include "tests/flow/world/effects.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace usherd::flow {

/// The disk as a daemon of that world uses it: each change is an effect.
class CountedFiles final : public Files {
 public:
  CountedFiles(fakes::MemFiles& disk, Effects& effects) : disk_(disk), effects_(effects) {}

  [[nodiscard]] Result<std::unique_ptr<ReadFile>> open(const std::string& path) override {
    if (!closed_.empty() && path.ends_with(closed_) && opens_left_ == 0)
      return Error{Errc::denied, path + ": Permission denied"};
    if (!closed_.empty() && path.ends_with(closed_))
      --opens_left_;
    return disk_.open(path);
  }
  [[nodiscard]] Result<std::unique_ptr<WriteFile>> write(const std::string& path, WriteMode mode,
                                                         std::uint64_t keep) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override {
    if (!barred_.empty() && to == barred_) {
      ++barred_renames_;
      return Error{Errc::denied, to + ": Permission denied"};
    }
    if (on_rename)
      on_rename(to);
    return effects_.begin() ? disk_.rename(from, to) : stopped();
  }
  [[nodiscard]] Result<void> remove(const std::string& path) override {
    // To remove what is not there changes nothing.
    if (!disk_.exists(path))
      return {};
    return effects_.begin() ? disk_.remove(path) : stopped();
  }
  [[nodiscard]] Result<void> list(const std::string& directory,
                                  const std::function<bool(std::string_view)>& visit) override {
    return disk_.list(directory, visit);
  }
  [[nodiscard]] Result<FileStat> stat(const std::string& path) override { return disk_.stat(path); }
  [[nodiscard]] Result<void> sync(const std::string& path) override {
    return effects_.begin() ? disk_.sync(path) : stopped();
  }

  std::function<void(const std::string& to)> on_rename;

  /// Files whose names end so may not be read any more once they were opened so many times.
  void close(std::string ending, std::uint64_t opens = 0) {
    closed_ = std::move(ending);
    opens_left_ = opens;
  }
  void open_again() { closed_.clear(); }
  /// Nothing can be moved there.
  void bar(std::string path) { barred_ = std::move(path); }
  void unbar() { barred_.clear(); }
  [[nodiscard]] std::uint64_t barred_renames() const { return barred_renames_; }

  [[nodiscard]] static Error stopped() { return {Errc::io, "the machine has stopped"}; }

 private:
  fakes::MemFiles& disk_;
  Effects& effects_;
  std::string closed_;
  std::uint64_t opens_left_ = 0;
  std::string barred_;
  std::uint64_t barred_renames_ = 0;
};

class CountedWriteFile final : public WriteFile {
 public:
  CountedWriteFile(std::unique_ptr<WriteFile> file, Effects& effects)
      : file_(std::move(file)), effects_(effects) {}
  [[nodiscard]] Result<void> append(std::string_view bytes) override {
    return effects_.begin() ? file_->append(bytes) : CountedFiles::stopped();
  }
  [[nodiscard]] Result<void> sync() override {
    return effects_.begin() ? file_->sync() : CountedFiles::stopped();
  }

 private:
  std::unique_ptr<WriteFile> file_;
  Effects& effects_;
};

inline Result<std::unique_ptr<WriteFile>> CountedFiles::write(const std::string& path, WriteMode mode,
                                                              std::uint64_t keep) {
  if (!effects_.begin())
    return stopped();
  auto file = disk_.write(path, mode, keep);
  if (!file)
    return file.error();
  return std::make_unique<CountedWriteFile>(std::move(*file), effects_);
}

}  // namespace usherd::flow
