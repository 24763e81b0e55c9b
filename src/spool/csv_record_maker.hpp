#pragma once

#include "src/spool/line_buffer.hpp"
#include "usherd/spool/csv_header.hpp"
#include "usherd/spool/csv_rows.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Makes the line of one record at a time out of a row that has as many cells as the header. Keeps its
/// memory, and allocates nothing for a row.
class CsvRecordMaker {
 public:
  static constexpr std::size_t kMostRecord = std::size_t{1} << 20;

  explicit CsvRecordMaker(CsvHeader header);

  [[nodiscard]] const CsvHeader& header() const { return header_; }
  /// The column whose cell is not of its type, or null. Of a record of more than kMostRecord it makes a line
  /// that is too large, too.
  const CsvColumn* make(const CsvRow& row);
  /// What that cell holds, or the element of its list that is not of the type; good until the next call.
  [[nodiscard]] std::string_view wrong() const { return wrong_; }
  /// What make() made; good until the next call.
  [[nodiscard]] std::string_view line() const { return line_.view(); }
  /// Whether no cell held a value.
  [[nodiscard]] bool empty() const { return line_.size() == 2; }
  /// Whether the line has a number that may be beyond what the API's types hold.
  [[nodiscard]] bool has_wide_number() const { return has_wide_number_; }
  /// A cell after unquoting; good until the next call.
  [[nodiscard]] std::string_view text_of(const CsvRow& row, std::size_t at) {
    const auto& cell = row.cells[at];
    const auto text = row.bytes.substr(cell.begin, cell.end - cell.begin);
    return cell.doubled ? unquoted(text) : text;
  }

 private:
  /// A column as make() needs it.
  struct Column {
    const CsvColumn* of;
    std::string lead;   ///< what stands in front of a value: ,"NAME":
    std::size_t group;  ///< of properties: the same for those in the same object
  };
  [[nodiscard]] static Column column_of(const CsvColumn& column);

  void add_members(const CsvRow& row);
  [[nodiscard]] const CsvColumn* add_properties(const CsvRow& row);
  [[nodiscard]] bool add_property(const CsvRow& row, const Column& column);
  void add_lead(const Column& column, bool comma);
  void add_text(const CsvCell& cell, std::string_view text);
  void add_schema();
  void open_parents(const Column& column);
  void close_to(std::size_t depth);
  [[nodiscard]] std::string_view unquoted(std::string_view text);

  CsvHeader header_;
  std::vector<Column> members_;
  std::vector<Column> properties_;
  std::size_t most_fixed_ = 0;  ///< bytes of a line besides its cells
  LineBuffer line_;
  std::string unquoted_;
  std::string_view wrong_;                   ///< in the row or in unquoted_
  std::string schema_;                       ///< that of in_schema_
  std::vector<const CsvColumn*> in_schema_;  ///< of the row for which it was made last
  std::vector<const CsvColumn*> declared_;   ///< of this row: filled and of a declared type
  std::vector<std::uint32_t> open_;          ///< objects that are open, from the outside
  std::size_t open_group_ = 0;               ///< of the property before
  bool unescaped_ = false;  ///< the row's cells can stand in JSON as they are, but for doubled quotes
  bool comma_ = false;      ///< something stands in front of the next property
  bool has_wide_number_ = false;
};

}  // namespace usherd
