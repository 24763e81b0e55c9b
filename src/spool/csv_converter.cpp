#include "src/spool/csv_converter.hpp"

#include "src/spool/csv_cell.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/bad_row.hpp"
#include "usherd/spool/csv_header.hpp"
#include "usherd/spool/csv_rows.hpp"

#include <fmt/format.h>

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kMostRecord = std::size_t{1} << 20;
/// One byte past the largest record tells that it is too large.
constexpr std::size_t kMostKept = kMostRecord + 1;
/// A number of so many characters, and without exponent, fits into 64 bits and a double.
constexpr std::size_t kPlainNumber = 15;

std::string_view words_of(RowFault fault) {
  switch (fault) {
    case RowFault::quote_inside:
      return "a quote stands inside a cell: put the whole cell into quotes and write its quotes twice";
    case RowFault::behind_quote:
      return "something follows a cell's closing quote: write quotes inside a cell twice";
    case RowFault::never_closed:
      return "a quote is never closed";
    case RowFault::row_too_large:
      return "the row has more than 1 MiB (1048576 bytes)";
    case RowFault::none:
      break;
  }
  return "";
}

/// Whether a number, or one of a list, may be beyond what 64 bits or a double hold.
bool may_be_wide(CellType type, std::string_view text) {
  if (type != CellType::whole && type != CellType::real)
    return false;
  return text.size() > kPlainNumber ||
         (type == CellType::real &&
          std::any_of(text.begin(), text.end(), [](char c) { return c == 'e' || c == 'E'; }));
}

/// Makes the line of one record at a time. Keeps its memory, and allocates nothing for a row.
class RecordMaker {
 public:
  explicit RecordMaker(CsvHeader header) : header_(std::move(header)) {}

  [[nodiscard]] const CsvHeader& header() const { return header_; }
  [[nodiscard]] const std::string& line() const { return line_; }

  /// The column whose cell is not of its type, or null.
  const CsvColumn* make(const CsvRow& row) {
    line_.assign("{");
    unescaped_ = is_unescaped(row.bytes);
    for (const auto& column : header_.members())
      add_member(row, column);
    const bool any_member = line_.size() > 1;
    const auto before = line_.size();
    line_ += any_member ? ",\"properties\":{" : "\"properties\":{";
    open_.clear();
    declared_.clear();
    comma_ = false;
    has_wide_number_ = false;
    for (const auto& column : header_.properties()) {
      if (!add_property(row, column))
        return &column;
    }
    close_to(0);
    line_ += '}';
    if (!comma_)
      line_.resize(before);
    add_schema();
    line_ += '}';
    if (line_.size() > kMostKept)
      line_.resize(kMostKept);
    return nullptr;
  }
  [[nodiscard]] bool empty() const { return line_.size() == 2; }
  /// Whether the line has a number that may be beyond what the API's types hold.
  [[nodiscard]] bool has_wide_number() const { return has_wide_number_; }
  /// A cell after unquoting; good until the next call.
  [[nodiscard]] std::string_view text_of(const CsvRow& row, std::size_t at) {
    const auto& cell = row.cells[at];
    const auto text = row.bytes.substr(cell.begin, cell.end - cell.begin);
    if (!cell.doubled)
      return text;
    unquoted_.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
      unquoted_ += text[i];
      i += text[i] == '"' ? 1 : 0;
    }
    return unquoted_;
  }

 private:
  void add_member(const CsvRow& row, const CsvColumn& column) {
    const auto text = text_of(row, column.cell);
    if (text.empty())
      return;
    if (line_.size() > 1)
      line_ += ',';
    line_ += column.key;
    add_text(row.cells[column.cell], text);
  }

  void add_text(const CsvCell& cell, std::string_view text) {
    if (unescaped_ && !cell.doubled)
      line_.append("\"").append(text).append("\"");
    else
      append_text(line_, text);
  }

  /// Rows mostly fill the same columns as the one before.
  void add_schema() {
    if (declared_.empty())
      return;
    if (declared_ != in_schema_) {
      in_schema_ = declared_;
      schema_ = ",\"schema\":{\"properties\":{";
      for (const auto* column : declared_)
        schema_.append(column->schema).append(column == declared_.back() ? "}}" : ",");
    }
    line_ += schema_;
  }

  bool add_property(const CsvRow& row, const CsvColumn& column) {
    const auto cell = text_of(row, column.cell);
    const auto text = column.type == CellType::text ? cell : trimmed(cell);
    if (text.empty() || line_.size() > kMostKept)
      return true;
    if (open_ != column.parents)
      open_parents(column);
    else if (comma_)
      line_ += ',';
    comma_ = true;
    line_ += column.key;
    if (!column.schema.empty())
      declared_.push_back(&column);
    has_wide_number_ |= may_be_wide(column.type, text);
    if (column.list)
      return append_list(line_, column.type, text);
    if (column.type != CellType::text)
      return append_value(line_, column.type, text);
    add_text(row.cells[column.cell], text);
    return true;
  }

  void open_parents(const CsvColumn& column) {
    const auto [last, next] =
        std::mismatch(open_.begin(), open_.end(), column.parents.begin(), column.parents.end());
    close_to(static_cast<std::size_t>(last - open_.begin()));
    if (comma_)
      line_ += ',';
    for (auto parent = next; parent != column.parents.end(); ++parent) {
      line_.append(header_.objects()[*parent]).push_back('{');
      open_.push_back(*parent);
    }
  }

  void close_to(std::size_t depth) {
    line_.append(open_.size() - depth, '}');
    open_.resize(depth);
  }

  CsvHeader header_;
  std::string line_;
  std::string unquoted_;
  std::string schema_;                       ///< that of in_schema_
  std::vector<const CsvColumn*> in_schema_;  ///< of the row for which it was made last
  std::vector<const CsvColumn*> declared_;   ///< of this row: filled and of a declared type
  std::vector<std::uint32_t> open_;          ///< objects that are open, from the outside
  bool unescaped_ = false;  ///< the row's cells can stand in JSON as they are, but for doubled quotes
  bool comma_ = false;      ///< something stands in front of the next property
  bool has_wide_number_ = false;
};

class CsvConverter final : public Converter {
 public:
  explicit CsvConverter(EmitRecord emit)
      : emit_(std::move(emit)), rows_([this](const CsvRow& row) { return take(row); }) {}

  Result<void> feed(std::string_view bytes) override { return rows_.feed(bytes); }
  Result<void> finish() override {
    if (auto finished = rows_.finish(); !finished)
      return finished;
    if (!maker_)
      return Error{Errc::invalid, "there is no header row"};
    return {};
  }
  /// A row that lost its end may look whole.
  Result<void> finish_cut(std::uint64_t missing) override {
    if (!maker_)
      return Error{Errc::invalid, "there is no header row: the file was made shorter after it was accepted"};
    auto origin = rows_.rest();
    missing += std::exchange(origin.length, 0);
    bad_.clear();
    append_bad_row(bad_, BadRow{"file_changed",
                                fmt::format("{} bytes from here on are gone: the file was made shorter after "
                                            "it was accepted",
                                            missing),
                                ""});
    return emit_(bad_, origin);
  }

 private:
  Result<void> take(const CsvRow& row) {
    if (!maker_)
      return take_header(row);
    if (row.fault == RowFault::row_too_large)
      return refuse(row, "record_too_large", words_of(row.fault));
    if (row.fault != RowFault::none)
      return refuse(row, "csv_quotes", words_of(row.fault));
    const auto columns = maker_->header().columns();
    // Spreadsheets end so.
    if (row.bytes.find_first_not_of(',') == std::string_view::npos)
      return {};
    if (row.cell_count != columns)
      return refuse(row, "csv_cell_count",
                    fmt::format("the row has {} cells, the header {}", row.cell_count, columns));
    if (const auto* column = maker_->make(row))
      return refuse_cell(row, *column);
    // The record rules would refuse the record made of it, too, but then its reject could not show the row.
    if (!simdjson::validate_utf8(row.bytes.data(), row.bytes.size()))
      return refuse(row, "invalid_utf8", "the row is not UTF-8: write the file in UTF-8");
    if (maker_->line().size() > kMostRecord)
      return refuse(row, "record_too_large",
                    "the record that the row makes has more than 1 MiB (1048576 bytes)");
    if (maker_->has_wide_number() && parser_.parse(maker_->line()).error() == simdjson::NUMBER_ERROR)
      return refuse(row, "number_out_of_range",
                    "a number is beyond what a double or 64 bits can hold: make its column one of type str");
    return maker_->empty() ? Result<void>{} : emit_(maker_->line(), row.origin);
  }

  Result<void> take_header(const CsvRow& row) {
    if (row.fault != RowFault::none)
      return Error{Errc::invalid,
                   fmt::format("line {}: in the header {}", row.origin.line, words_of(row.fault))};
    if (row.cell_count > CsvHeader::kMostColumns)
      return Error{Errc::invalid,
                   fmt::format("the header has more than {} columns", CsvHeader::kMostColumns)};
    RecordMaker reader{CsvHeader{}};
    std::vector<std::string> cells;
    for (std::size_t at = 0; at < row.cells.size(); ++at)
      cells.emplace_back(reader.text_of(row, at));
    auto header = CsvHeader::parse(cells);
    if (!header)
      return header.error().within(fmt::format("line {}", row.origin.line));
    maker_.emplace(std::move(*header));
    return {};
  }

  Result<void> refuse_cell(const CsvRow& row, const CsvColumn& column) {
    const auto text = maker_->text_of(row, column.cell);
    return refuse(
        row, "csv_cell_type",
        fmt::format("column {} ({}) has '{}', which is not {} {}{}", column.cell + 1,
                    printable(column.name, 60), printable(text, 40), column.list ? "a list of" : "of type",
                    column.type_word, fmt::format(": write {}", form_of(column.type))));
  }

  Result<void> refuse(const CsvRow& row, std::string code, std::string_view message) {
    bad_.clear();
    append_bad_row(bad_, BadRow{std::move(code), std::string(message), std::string(row.bytes)});
    return emit_(bad_, row.origin);
  }

  EmitRecord emit_;
  CsvRows rows_;
  std::optional<RecordMaker> maker_;
  std::string bad_;
  simdjson::dom::parser parser_;  ///< for the few rows with long numbers
};

}  // namespace

std::unique_ptr<Converter> make_csv_converter(EmitRecord emit) {
  return std::make_unique<CsvConverter>(std::move(emit));
}

}  // namespace usherd
