#pragma once

#include <string>
#include <vector>

namespace usherd {

/// What a start makes on disk, noted as it is made: a start that is refused takes it away again, so that a
/// wrong directory in the configuration leaves no trace. Never removes a directory that holds anything, nor
/// what was there before. Blocks.
class MadePlaces {
 public:
  void note_directory(std::string path) { places_.push_back({std::move(path), true}); }
  /// A file that was made, or is about to be.
  void note_file(std::string path) { places_.push_back({std::move(path), false}); }
  /// The same for one that may be there already: then it is not ours. True when it is noted.
  bool note_file_if_missing(const std::string& path);
  /// It stays: the start succeeds, or somebody else may have begun to use it.
  void keep() { places_.clear(); }
  /// The latest first. Call it under the SpoolLock, where one was taken, and with the ledger closed.
  void remove();

 private:
  struct Place {
    std::string path;
    bool is_directory;
  };
  std::vector<Place> places_;
};

}  // namespace usherd
