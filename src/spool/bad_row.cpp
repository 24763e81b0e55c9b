#include "usherd/spool/bad_row.hpp"

#include <cstddef>

namespace usherd {
namespace {

constexpr std::size_t kMostRaw = std::size_t{1} << 20;
/// In front of code, message and row; never the first byte of JSON.
constexpr char kMark = '\x01';
/// In front of 'n' for a newline, of itself for itself.
constexpr char kEscape = '\x1b';

}  // namespace

void append_bad_row(std::string& out, const BadRow& row) {
  for (const auto* part : {&row.code, &row.message})
    out.append(1, kMark).append(*part);
  out += kMark;
  for (const char c : std::string_view(row.raw).substr(0, kMostRaw)) {
    if (c == '\n' || c == kEscape)
      out += kEscape;
    out += c == '\n' ? 'n' : c;
  }
}

bool may_be_bad_row(std::string_view line) {
  return line.starts_with(kMark);
}

std::optional<BadRow> read_bad_row(std::string_view line) {
  if (!may_be_bad_row(line))
    return std::nullopt;
  const auto second = line.find(kMark, 1);
  const auto third = second == std::string_view::npos ? second : line.find(kMark, second + 1);
  if (third == std::string_view::npos)
    return std::nullopt;
  BadRow row;
  row.code = line.substr(1, second - 1);
  row.message = line.substr(second + 1, third - second - 1);
  for (std::size_t at = third + 1; at < line.size(); ++at) {
    const bool escaped = line[at] == kEscape && at + 1 < line.size();
    at += escaped ? 1 : 0;
    row.raw += escaped && line[at] == 'n' ? '\n' : line[at];
  }
  return row;
}

}  // namespace usherd
