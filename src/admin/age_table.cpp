#include "usherd/admin/age_table.hpp"

namespace usherd {

std::size_t AgeTable::column_of(std::chrono::milliseconds age) {
  std::size_t column = 0;
  while (column + 1 < kColumns && age > limit(column))
    ++column;
  return column;
}

void AgeTable::add(std::chrono::milliseconds age, std::uint64_t bytes) {
  add(column_of(age), Column{1, bytes});
}

void AgeTable::add(std::size_t column, const Column& more) {
  columns_[column].files += more.files;
  columns_[column].bytes += more.bytes;
}

AgeTable::Column AgeTable::total() const {
  Column sum;
  for (const auto& column : columns_) {
    sum.files += column.files;
    sum.bytes += column.bytes;
  }
  return sum;
}

}  // namespace usherd
