#pragma once

#include "usherd/core/result.hpp"
#include "usherd/spool/origin.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// What makes a row unreadable.
enum class RowFault : std::uint8_t {
  none,
  quote_inside,   ///< a quote inside a cell that does not begin with one
  behind_quote,   ///< something between a closing quote and the next comma
  never_closed,   ///< a quote that is not closed within CsvRows::kMostAhead or before the file ends
  row_too_large,  ///< more than kMostRowBytes
};

/// A cell of a row, without its outer quotes; [begin, end) counts from the row's first byte.
struct CsvCell {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool quoted = false;
  bool doubled = false;  ///< holds quotes that are written twice
};

/// One row as it stands in the file. Owns nothing.
struct CsvRow {
  std::string_view bytes;          ///< without its line end; of a row that is too large its beginning
  std::span<const CsvCell> cells;  ///< the first CsvRows::kMostCells; meaningless with a fault
  std::size_t cell_count = 0;
  Origin origin;
  RowFault fault = RowFault::none;
};

/// Cuts CSV (RFC 4180: commas, quotes, LF or CRLF) into rows while it streams by; skips a byte order mark and
/// rows without any bytes but blanks. After a row with broken quotes it goes on at the line behind the one
/// where that row began, so that one bad quote costs one row. Holds at most about kMostAhead and a piece.
class CsvRows {
 public:
  static constexpr std::size_t kMostRowBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMostAhead = std::size_t{8} << 20;
  static constexpr std::size_t kMostCells = 10'001;

  /// An error ends the work and is passed on.
  using OnRow = std::function<Result<void>(const CsvRow&)>;
  explicit CsvRows(OnRow on_row) : on_row_(std::move(on_row)) {}

  [[nodiscard]] Result<void> feed(std::string_view piece);
  [[nodiscard]] Result<void> finish();
  /// What was fed and is no whole row yet.
  [[nodiscard]] Origin rest() const { return {offset_, line_, buffer_.size() - row_}; }

 private:
  enum class State : std::uint8_t { cell_start, plain, quoted, behind_quote, spoilt, discard };

  [[nodiscard]] Result<void> take_rows(bool final);
  [[nodiscard]] bool skip_mark(bool final);
  /// Each true once a row is whole: [row_, at_), with its line end in front of at_.
  bool scan(bool final);
  bool step_plain();
  bool step_quoted();
  bool step_behind_quote(bool final);
  bool step_spoilt();
  bool end_of_file();
  void discard();
  [[nodiscard]] std::size_t limit() const;
  bool overflow();
  bool broken_quotes(RowFault fault);
  void begin_cell(bool quoted);
  void add_cell(const CsvCell& cell);
  void end_cell(std::size_t end);
  [[nodiscard]] Result<void> hand_on();
  void begin_row();
  [[nodiscard]] bool is_blank() const;

  OnRow on_row_;
  std::string buffer_;
  std::size_t row_ = 0;  ///< where the row begins, in the buffer
  std::size_t at_ = 0;   ///< what was looked at
  std::vector<CsvCell> cells_;
  CsvCell cell_;
  std::size_t cell_count_ = 0;
  State state_ = State::cell_start;
  RowFault fault_ = RowFault::none;
  std::uint64_t lines_ = 0;  ///< line ends inside the row's quotes
  std::uint64_t offset_ = 0;
  std::uint64_t line_ = 1;
  bool past_mark_ = false;
};

}  // namespace usherd
