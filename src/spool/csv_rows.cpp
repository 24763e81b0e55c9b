#include "usherd/spool/csv_rows.hpp"

#include "src/spool/byte_search.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace usherd {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Finds the bytes that end a cell, or must not stand in one, one after the other.
class Stops {
 public:
  Stops(const char* from, const char* end) : block_(from), end_(end) { look(); }

  /// `end` where there is none any more.
  const char* next() {
    while (found_ == 0) {
      if (end_ - block_ <= static_cast<std::ptrdiff_t>(kSearched))
        return end_;
      block_ += kSearched;
      look();
    }
    const auto* const at = block_ + std::countr_zero(found_);
    found_ &= found_ - 1;
    return at;
  }

 private:
  void look() {
    const auto left = static_cast<std::size_t>(end_ - block_);
    if (left >= kSearched) {
      found_ = find_bytes<',', '\n', '"'>(block_);
      return;
    }
    std::array<char, kSearched> last{};
    std::copy(block_, end_, last.begin());
    found_ = find_bytes<',', '\n', '"'>(last.data());
  }

  const char* block_;
  const char* end_;
  std::uint64_t found_ = 0;  ///< of the 64 bytes from block_ on, those that are still to be told
};

}  // namespace

Result<void> CsvRows::feed(std::string_view piece) {
  buffer_.append(piece);
  auto taken = take_rows(false);
  buffer_.erase(0, row_);
  at_ -= row_;
  row_ = 0;
  return taken;
}

Result<void> CsvRows::finish() {
  return take_rows(true);
}

Result<void> CsvRows::take_rows(bool final) {
  if (!past_mark_ && !skip_mark(final))
    return {};
  while (scan(final)) {
    if (auto taken = hand_on(); !taken)
      return taken;
  }
  return {};
}

bool CsvRows::skip_mark(bool final) {
  if (buffer_.size() < kByteOrderMark.size() && !final)
    return false;
  past_mark_ = true;
  if (buffer_.starts_with(kByteOrderMark)) {
    row_ = at_ = kByteOrderMark.size();
    offset_ = kByteOrderMark.size();
  }
  return true;
}

/// No row is looked at further than this, however the file was cut into pieces.
std::size_t CsvRows::limit() const {
  return std::min(buffer_.size(), row_ + kMostAhead + 1);
}

bool CsvRows::scan(bool final) {
  while (at_ < limit()) {
    bool whole = false;
    switch (state_) {
      case State::cell_start:
        begin_cell(buffer_[at_] == '"');
        break;
      case State::plain:
        whole = step_plain();
        break;
      case State::quoted:
        whole = step_quoted();
        break;
      case State::behind_quote:
        if (buffer_[at_] == '\r' && at_ + 1 == buffer_.size() && !final)
          return false;
        whole = step_behind_quote(final);
        break;
      case State::spoilt:
        whole = step_spoilt();
        break;
      case State::discard:
        discard();
        break;
    }
    if (whole)
      return true;
    if (at_ - row_ > kMostAhead)
      return overflow();
  }
  return final && at_ > row_ && end_of_file();
}

/// Cell after cell, as long as none begins with a quote.
bool CsvRows::step_plain() {
  const char* const row = buffer_.data() + row_;
  const char* const end = buffer_.data() + limit();
  Stops stops(buffer_.data() + at_, end);
  auto begin = cell_.begin;
  while (true) {
    const char* const at = stops.next();
    const auto length = static_cast<std::uint32_t>(at - row);
    at_ = row_ + length;
    if (at == end) {
      cell_.begin = begin;
      return false;
    }
    if (*at == '"')
      return broken_quotes(RowFault::quote_inside);
    ++at_;
    if (*at == '\n') {
      const bool carriage = length > begin && at[-1] == '\r';
      add_cell({.begin = begin, .end = length - (carriage ? 1 : 0)});
      return true;
    }
    add_cell({.begin = begin, .end = length});
    if (at + 1 == end || at[1] == '"')
      return false;
    begin = length + 1;
    state_ = State::plain;
  }
}

bool CsvRows::step_quoted() {
  const char* const from = buffer_.data() + at_;
  const auto left = limit() - at_;
  const void* const found = std::memchr(from, '"', left);
  const auto length =
      found == nullptr ? left : static_cast<std::size_t>(static_cast<const char*>(found) - from);
  lines_ += static_cast<std::uint64_t>(std::count(from, from + length, '\n'));
  at_ += length;
  if (found != nullptr) {
    ++at_;
    state_ = State::behind_quote;
  }
  return false;
}

bool CsvRows::step_behind_quote(bool final) {
  const char c = buffer_[at_];
  const auto closing = at_ - 1;
  if (c == '"') {
    cell_.doubled = true;
    state_ = State::quoted;
    ++at_;
    return false;
  }
  const bool carriage = c == '\r' && at_ + 1 < buffer_.size() && buffer_[at_ + 1] == '\n';
  const bool last_carriage = c == '\r' && at_ + 1 == buffer_.size() && final;
  if (c != ',' && c != '\n' && !carriage && !last_carriage)
    return broken_quotes(RowFault::behind_quote);
  end_cell(closing - row_);
  at_ += carriage ? 2 : 1;
  return c != ',';
}

bool CsvRows::step_spoilt() {
  const auto line = std::string_view(buffer_).substr(at_, limit() - at_);
  const auto newline = line.find('\n');
  at_ += newline == std::string_view::npos ? line.size() : newline + 1;
  return newline != std::string_view::npos;
}

/// Lets the rest of a line go that was told already.
void CsvRows::discard() {
  const auto newline = std::string_view(buffer_).find('\n', at_);
  const bool ended = newline != std::string_view::npos;
  const auto next = ended ? newline + 1 : buffer_.size();
  offset_ += next - row_;
  row_ = at_ = next;
  line_ += ended ? 1 : 0;
  if (ended)
    begin_row();
}

bool CsvRows::end_of_file() {
  switch (state_) {
    case State::quoted:
      return broken_quotes(RowFault::never_closed) || scan(true);
    case State::behind_quote:
      end_cell(at_ - 1 - row_);
      break;
    case State::cell_start:
      // Behind a last comma stands an empty cell; behind a row's end stands nothing.
      if (cell_count_ > 0) {
        cell_ = {};
        cell_.begin = static_cast<std::uint32_t>(at_ - row_);
        end_cell(at_ - row_);
      }
      break;
    case State::plain: {
      const bool carriage = at_ > row_ + cell_.begin && buffer_[at_ - 1] == '\r';
      end_cell(at_ - (carriage ? 1 : 0) - row_);
      break;
    }
    case State::spoilt:
    case State::discard:
      break;
  }
  return true;
}

/// What was taken for a quoted cell may be the rest of the file: the row's first line alone is spoilt.
bool CsvRows::broken_quotes(RowFault fault) {
  fault_ = fault;
  lines_ = 0;
  at_ = row_;
  state_ = State::spoilt;
  return step_spoilt();
}

bool CsvRows::overflow() {
  if (state_ == State::quoted || state_ == State::behind_quote) {
    if (broken_quotes(RowFault::never_closed))
      return true;
  }
  // One line of more than kMostAhead: told now, its rest is let go.
  fault_ = RowFault::row_too_large;
  state_ = State::discard;
  return true;
}

/// At its first byte, or its opening quote.
inline void CsvRows::begin_cell(bool quoted) {
  at_ += quoted ? 1 : 0;
  cell_ = {.begin = static_cast<std::uint32_t>(at_ - row_), .end = 0, .quoted = quoted, .doubled = false};
  state_ = quoted ? State::quoted : State::plain;
}

inline void CsvRows::add_cell(const CsvCell& cell) {
  if (cell_count_ < kMostCells)
    cells_.push_back(cell);
  ++cell_count_;
  state_ = State::cell_start;
}

/// `end` counts from the row's first byte.
inline void CsvRows::end_cell(std::size_t end) {
  cell_.end = static_cast<std::uint32_t>(end);
  add_cell(cell_);
}

bool CsvRows::is_blank() const {
  if (fault_ != RowFault::none || cell_count_ > 1 || (cell_count_ == 1 && cells_.front().quoted))
    return false;
  return std::all_of(buffer_.begin() + static_cast<std::ptrdiff_t>(row_),
                     buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
                     [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
}

Result<void> CsvRows::hand_on() {
  std::string_view bytes(buffer_.data() + row_, at_ - row_);
  const bool ended = bytes.ends_with('\n');
  bytes.remove_suffix(ended ? 1 : 0);
  bytes.remove_suffix(bytes.ends_with('\r') ? 1 : 0);
  CsvRow row;
  row.cells = cells_;
  row.cell_count = cell_count_;
  row.origin = {offset_, line_, bytes.size()};
  row.fault = fault_;
  if (bytes.size() > kMostRowBytes && fault_ == RowFault::none)
    row.fault = RowFault::row_too_large;
  row.bytes = bytes.substr(0, kMostRowBytes);
  auto taken = is_blank() ? Result<void>{} : on_row_(row);
  offset_ += at_ - row_;
  row_ = at_;
  line_ += std::exchange(lines_, 0);
  if (state_ == State::discard)
    return taken;
  line_ += ended ? 1 : 0;
  begin_row();
  return taken;
}

void CsvRows::begin_row() {
  cells_.clear();
  cell_count_ = 0;
  lines_ = 0;
  fault_ = RowFault::none;
  state_ = State::cell_start;
}

}  // namespace usherd
