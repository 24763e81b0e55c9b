#pragma once

#include "usherd/validate/record.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace usherd {

/// Records in columns, with all that is known of each but where it stands: 21 bytes a record. Columns are
/// copied by the piece, and who needs one does not fetch the others.
struct RecordColumns {
  std::vector<std::uint64_t> users;
  std::vector<std::uint64_t> seconds;  ///< as long as the last that is not 0 needs; see second()
  std::vector<std::uint32_t> lengths;
  std::vector<std::uint64_t> sums;
  std::vector<std::uint8_t> flags;

  [[nodiscard]] std::size_t size() const { return users.size(); }
  [[nodiscard]] std::uint64_t second(std::size_t position) const {
    return position < seconds.size() ? seconds[position] : 0;
  }
  /// With offset and line 0.
  [[nodiscard]] Record at(std::size_t position) const;
  void push_back(const Record& record) {
    users.push_back(record.user);
    lengths.push_back(record.length);
    sums.push_back(record.sum);
    flags.push_back(record.flags);
    if (record.second != 0)
      set_last_second(record.second);
  }
  /// Adds `count` of another's records, from `first` on.
  void append(const RecordColumns& from, std::size_t first, std::size_t count);
  void clear();
  /// Room for so many; memory that is not touched costs nothing, growing by copies does.
  void reserve(std::size_t records);

 private:
  void set_last_second(std::uint64_t second);
};

}  // namespace usherd
