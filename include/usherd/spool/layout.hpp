#pragma once

#include "usherd/ledger/rows.hpp"

#include <string>
#include <string_view>

namespace usherd {

/// Where everything of a spool stands. Plain paths; touches no disk.
class SpoolLayout {
 public:
  explicit SpoolLayout(std::string directory) : root_(std::move(directory)) {}

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string incoming() const { return root_ + "/incoming"; }
  [[nodiscard]] std::string working() const { return root_ + "/working"; }
  [[nodiscard]] std::string done() const { return root_ + "/done"; }
  [[nodiscard]] std::string rejected() const { return root_ + "/rejected"; }

  /// The name of an accepted file in working/: twelve digits and its name, so that a file whose ledger row
  /// was lost to a crash between rename and commit can be adopted.
  [[nodiscard]] static std::string working_name(FileNumber number, std::string_view name);
  /// The number and name in such a name; number 0 when it is not one.
  [[nodiscard]] static std::pair<FileNumber, std::string_view> parse_working_name(
      std::string_view working_name);

  /// What usherd made of a file (`f`) or of a batch (`b`) in working/: "f000000000012.records".
  struct Derived {
    char of = 0;  ///< 0: no such name
    std::uint64_t number = 0;
    std::string_view kind;  ///< behind the dot
  };
  [[nodiscard]] static Derived parse_derived_name(std::string_view name);

  [[nodiscard]] std::string working_file(const SpoolFile& file) const {
    return working() + "/" + file.working;
  }
  /// The NDJSON that a file was converted into.
  [[nodiscard]] std::string records(FileNumber number) const;
  /// Of a converted file: for each line its origin, three little-endian 64-bit numbers (offset, line,
  /// length).
  [[nodiscard]] std::string origins(FileNumber number) const;
  /// The NDJSON to read: the file itself or what it was converted into.
  [[nodiscard]] std::string readable(const SpoolFile& file) const;
  /// Reject lines of the local rules, in the order of the file.
  [[nodiscard]] std::string local_rejects(FileNumber number) const;
  /// Reject lines of one batch's share of a file.
  [[nodiscard]] std::string batch_rejects(FileNumber number, BatchId batch) const;
  /// Bodies of a batch's merged records.
  [[nodiscard]] std::string merged(BatchId batch) const;

 private:
  std::string root_;
};

}  // namespace usherd
