#include "src/app/screen.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace usherd {
namespace {

constexpr std::string_view kCut = "…";
constexpr std::string_view kPlain = "\x1b[0m";

/// Bytes of an SGR sequence at the start of `text`, or 0.
std::size_t colour_at(std::string_view text) {
  if (!text.starts_with("\x1b["))
    return 0;
  const auto end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

/// Columns of a character at most: wide are some from three bytes on, but not bars, blocks and punctuation,
/// which begin with 0xE2.
std::size_t width_of(std::string_view character) {
  return character.size() < 3 || character.front() == '\xe2' ? 1 : 2;
}

/// The line cut to `most` columns, with a mark where something is missing.
std::string fit_line(std::string_view line, std::size_t most) {
  std::string fit;
  std::size_t to_cut = 0;  // where the mark would go
  std::size_t used = 0;
  bool coloured = false;
  while (!line.empty()) {
    auto length = colour_at(line);
    if (length > 0) {
      coloured = coloured || line.substr(0, length) != kPlain;
    } else {
      length = std::max<std::size_t>(utf8_sequence(line), 1);
      const auto width = width_of(line.substr(0, length));
      if (used + width > most)
        return most == 0 ? ""
                         : fit.substr(0, to_cut) + std::string(kCut) + std::string(coloured ? kPlain : "");
      used += width;
    }
    fit += line.substr(0, length);
    line.remove_prefix(length);
    if (used + 1 <= most)
      to_cut = fit.size();
  }
  return fit;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

bool is_screen(int descriptor) {
  const char* term = std::getenv("TERM");
  return ::isatty(descriptor) != 0 && (term == nullptr || std::string_view(term) != "dumb");
}

ScreenSize screen_size(int descriptor) {
  ScreenSize size;
  winsize told{};
  if (::ioctl(descriptor, TIOCGWINSZ, &told) != 0)
    return size;
  if (told.ws_col > 0)
    size.columns = told.ws_col;
  if (told.ws_row > 0)
    size.rows = told.ws_row;
  return size;
}

std::string fit_screen(std::string_view text, std::string_view footer, ScreenSize size) {
  const auto lines = lines_of(text);
  const auto columns = std::max<std::size_t>(size.columns, 2) - 1;
  const auto rows = std::max<std::size_t>(size.rows, footer.empty() ? 3 : 4) - (footer.empty() ? 1 : 2);
  const auto shown = lines.size() > rows ? rows - 1 : lines.size();
  std::string out;
  for (std::size_t i = 0; i < shown; ++i)
    out += fit_line(lines[i], columns) + "\n";
  if (shown < lines.size())
    out += fit_line(fmt::format("and {} more lines, for which the terminal is too low", lines.size() - shown),
                    columns) +
           "\n";
  if (!footer.empty())
    out += fit_line(footer, columns) + "\n";
  return out;
}

}  // namespace usherd
