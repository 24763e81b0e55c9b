#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace usherd {

/// The backlog by age as Postfix's qshape shows a queue: 5, 10, 20 ... 1280 minutes, and all that is older.
/// Pure.
class AgeTable {
 public:
  static constexpr std::size_t kColumns = 10;
  struct Column {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };

  /// The oldest age that still belongs to a column; the last has none.
  [[nodiscard]] static constexpr std::chrono::minutes limit(std::size_t column) {
    return std::chrono::minutes(5LL << column);
  }
  [[nodiscard]] static std::size_t column_of(std::chrono::milliseconds age);

  void add(std::chrono::milliseconds age, std::uint64_t bytes);
  void add(std::size_t column, const Column& more);
  [[nodiscard]] const std::array<Column, kColumns>& columns() const { return columns_; }
  [[nodiscard]] Column total() const;

 private:
  std::array<Column, kColumns> columns_{};
};

}  // namespace usherd
