#pragma once

#include "usherd/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// How a cell becomes a JSON value; docs/formats.md tells the forms that are taken.
enum class CellType : std::uint8_t { text, whole, real, boolean, date };

/// A column of a CSV file as a record has it.
struct CsvColumn {
  std::size_t cell = 0;  ///< which cell of a row
  std::string name;      ///< as the header has it, without its type; for messages
  std::string key;       ///< "NAME": with its quotes and colon, the last part of a dotted name
  CellType type = CellType::text;
  bool list = false;
  std::string_view type_word;          ///< as declared; empty where it is not
  std::string schema;                  ///< "NAME":"TYPE" for the record's schema; empty where not declared
  std::vector<std::uint32_t> parents;  ///< objects it stands in, from the outside; index into objects()
};

/// The header row of a CSV file, checked: columns that are no property first, then properties so that those
/// of one object stand together. Errors name the column by number and name, and what to write.
class CsvHeader {
 public:
  static constexpr std::size_t kMostColumns = 10'000;

  CsvHeader() = default;
  /// `cells` are the header's cells after unquoting. Errc::invalid: refuse the file as `bad_header`.
  [[nodiscard]] static Result<CsvHeader> parse(std::span<const std::string> cells);

  /// uid, id, display_name, email, as far as there are such columns.
  [[nodiscard]] const std::vector<CsvColumn>& members() const { return members_; }
  [[nodiscard]] const std::vector<CsvColumn>& properties() const { return properties_; }
  /// The keys of the nested objects, "NAME": with quotes and colon.
  [[nodiscard]] const std::vector<std::string>& objects() const { return objects_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }

 private:
  std::vector<CsvColumn> members_;
  std::vector<CsvColumn> properties_;
  std::vector<std::string> objects_;
  std::size_t columns_ = 0;
};

}  // namespace usherd
