#include "src/spool/csv_converter.hpp"

#include "src/spool/csv_cell.hpp"
#include "src/spool/csv_record_maker.hpp"
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

/// Whether all of its cells are empty, be they quoted or not.
bool has_no_value(const CsvRow& row) {
  return row.cells.size() == row.cell_count &&
         std::all_of(row.cells.begin(), row.cells.end(),
                     [](const CsvCell& cell) { return cell.begin == cell.end; });
}

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
    append_bad_row(bad_, BadRow{std::string(kLostRest),
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
    if (row.cell_count != columns && has_no_value(row))
      return {};
    if (row.cell_count != columns)
      return refuse(row, "csv_cell_count",
                    fmt::format("the row has {} cells, the header {}", row.cell_count, columns));
    if (const auto* column = maker_->make(row))
      return refuse_cell(row, *column);
    // The record rules would refuse the record made of it, too, but then its reject could not show the row.
    if (!simdjson::validate_utf8(row.bytes.data(), row.bytes.size()))
      return refuse(row, "invalid_utf8", "the row is not UTF-8: write the file in UTF-8");
    if (maker_->line().size() > CsvRecordMaker::kMostRecord)
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
    CsvRecordMaker reader{CsvHeader{}};
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
    return refuse(
        row, "csv_cell_type",
        fmt::format("column {} ({}) has {}'{}', which {} {}: write {}", column.cell + 1,
                    printable(column.name, 60), column.list ? "the element " : "",
                    printable(maker_->wrong(), 40), column.list ? "does not fit a list of" : "is not of type",
                    column.type_word, form_of(column.type)));
  }

  Result<void> refuse(const CsvRow& row, std::string code, std::string_view message) {
    bad_.clear();
    append_bad_row(bad_, BadRow{std::move(code), std::string(message), std::string(row.bytes)});
    return emit_(bad_, row.origin);
  }

  EmitRecord emit_;
  CsvRows rows_;
  std::optional<CsvRecordMaker> maker_;
  std::string bad_;
  simdjson::dom::parser parser_;  ///< for the few rows with long numbers
};

}  // namespace

std::unique_ptr<Converter> make_csv_converter(EmitRecord emit) {
  return std::make_unique<CsvConverter>(std::move(emit));
}

}  // namespace usherd
