#pragma once

#include "usherd/ledger/manifest.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Paths of files by their numbers, all of one folder as a rule. Their names stand in one piece: a batch may
/// carry records of 30,000 files, and several batches are under way.
class PathTable {
 public:
  /// Quick when numbers ascend; the path of a number that is known already is replaced.
  void put(FileNumber number, std::string_view path);
  [[nodiscard]] std::optional<std::string> find(FileNumber number) const;

 private:
  struct Item {
    FileNumber number = 0;
    std::uint32_t begin = 0;  ///< in names_, to the zero byte that ends it
    bool is_whole = false;    ///< a path: the file stands in another folder
  };
  [[nodiscard]] std::vector<Item>::const_iterator place_of(FileNumber number) const;

  std::string folder_;  ///< of the first, with its slash
  std::string names_;
  std::vector<Item> items_;  ///< by number
};

/// Where the bytes of a manifest stand: each file's NDJSON, and the batch's merged records.
struct BodyPaths {
  PathTable files;
  std::string merged;
};

}  // namespace usherd
