#include "usherd/spool/file_name.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace usherd {
namespace {

constexpr std::array<std::pair<std::string_view, Format>, 4> kFormats{{{".ndjson", Format::ndjson},
                                                                       {".jsonl", Format::ndjson},
                                                                       {".json", Format::json},
                                                                       {".csv", Format::csv}}};
constexpr std::array<std::pair<std::string_view, Compression>, 2> kCompressions{
    {{".gz", Compression::gzip}, {".zst", Compression::zstd}}};
constexpr std::array<std::string_view, 3> kHidden{".tmp", ".part", ".filepart"};
constexpr std::array<std::string_view, 3> kOwn{".receipt.json", ".error.json", ".rejects.ndjson"};

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool ends_with(std::string_view name, std::string_view ending) {
  return name.size() >= ending.size() &&
         std::equal(ending.begin(), ending.end(), name.end() - static_cast<std::ptrdiff_t>(ending.size()),
                    [](char want, char have) { return want == lower(have); });
}

struct Ending {
  std::size_t length = 0;  ///< 0 where there is no known one
  FileFormat format;
};

Ending ending_of(std::string_view name) {
  Ending found;
  for (const auto& [ending, compression] : kCompressions) {
    if (ends_with(name, ending)) {
      found.length = ending.size();
      found.format.compression = compression;
    }
  }
  const auto inner = name.substr(0, name.size() - found.length);
  for (const auto& [ending, format] : kFormats) {
    if (ends_with(inner, ending)) {
      found.length += ending.size();
      found.format.format = format;
      return found;
    }
  }
  return {};
}

bool has_control_character(std::string_view name) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    const auto byte = static_cast<unsigned char>(name[at]);
    if (byte < 0x20 || byte == 0x7f)
      return true;
    // U+0080 to U+009F: terminals obey these too.
    if (byte == 0xc2 && at + 1 < name.size() && static_cast<unsigned char>(name[at + 1]) < 0xa0)
      return true;
  }
  return false;
}

/// What was appended to a CSV file, and is refused under a name that says so.
bool is_csv_tail(std::string_view name) {
  if (!name.ends_with(kTail) || name.size() > kMostNameBytes)
    return false;
  const auto stem = name.substr(0, name.size() - kTail.size());
  return is_acceptable_name(stem) && format_of(stem)->format == Format::csv;
}

std::string_view cut_utf8(std::string_view text, std::size_t most) {
  if (text.size() <= most)
    return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80)
    --most;
  return text.substr(0, most);
}

}  // namespace

bool is_visible_name(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         std::none_of(kHidden.begin(), kHidden.end(), [&](auto ending) { return ends_with(name, ending); });
}

std::string_view known_ending(std::string_view name) {
  return name.substr(name.size() - ending_of(name).length);
}

std::optional<FileFormat> format_of(std::string_view name) {
  const auto ending = ending_of(name);
  if (ending.length == 0)
    return std::nullopt;
  return ending.format;
}

bool is_acceptable_name(std::string_view name) {
  return name.size() <= kMostNameBytes && ending_of(name).length != 0 && is_utf8(name) &&
         !has_control_character(name) &&
         std::none_of(kOwn.begin(), kOwn.end(), [&](auto ending) { return ends_with(name, ending); });
}

std::string entry_name(std::string_view dropped, FileNumber number) {
  if (is_acceptable_name(dropped) || is_csv_tail(dropped))
    return std::string(dropped);
  const auto ending = known_ending(dropped);
  return fmt::format("unnamed-{}{}", number, ending.empty() ? ".data" : lowered(ending));
}

std::string numbered_name(std::string_view name, std::uint64_t number) {
  auto ending = known_ending(name);
  if (is_csv_tail(name)) {
    const auto stem = name.substr(0, name.size() - kTail.size());
    ending = name.substr(stem.size() - known_ending(stem).size());
  } else if (ending.empty() && name.find('.') != std::string_view::npos)
    ending = name.substr(name.rfind('.'));
  const auto tail = fmt::format("~{}{}", number, ending);
  const auto stem = name.substr(0, name.size() - ending.size());
  const auto room = tail.size() < kMostNameBytes ? kMostNameBytes - tail.size() : 0;
  return std::string(cut_utf8(stem, room)) + tail;
}

std::string_view known_endings() {
  return ".ndjson .jsonl .json .csv, each also with .gz or .zst";
}

}  // namespace usherd
