#include "config_values.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace usherd {
namespace {

constexpr std::size_t kMostText = 4096;

/// The text of an unquoted scalar: numbers in quotes are text to every other reader of the file.
Verdict read_bare(const YamlNode& node, std::string_view kind, std::string& into) {
  if (auto objection = read_text(node, into))
    return objection;
  if (node.quoted)
    return Objection{fmt::format("must be {}, not text in quotes", kind), "leave the quotes out"};
  return std::nullopt;
}

/// The same with another number: where that can be read, it was the number that could not.
std::string with_a_one(std::string_view text) {
  const auto unit = text.find_first_not_of("0123456789");
  if (unit == 0 || text.empty())
    return std::string(text);
  return "1" + std::string(unit == std::string_view::npos ? "" : text.substr(unit));
}

Objection not_whole(std::string_view text, Range range) {
  return {fmt::format("'{}' is not a whole number", printable(text, 40)),
          fmt::format("write a number from {} to {} in plain digits", range.least, range.most)};
}

}  // namespace

Verdict read_text(const YamlNode& node, std::string& into) {
  if (node.kind == YamlNode::Kind::list)
    return Objection{"must be one value, not a list", "write a single value after the colon"};
  if (node.kind == YamlNode::Kind::map)
    return Objection{"must be one value, not a mapping", "write a single value after the colon"};
  if (node.text.size() > kMostText)
    return Objection{fmt::format("is {} bytes long", node.text.size()), fmt::format("at most {}", kMostText)};
  for (const char c : node.text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return Objection{"holds a control character or a line break", "write it on one line"};
  }
  into = node.text;
  return std::nullopt;
}

Verdict wrong_word(std::string_view given, std::string_view allowed) {
  return Objection{fmt::format("'{}' is not known here", printable(given, 40)),
                   fmt::format("write one of: {}", allowed)};
}

Verdict read_whole(const YamlNode& node, Range range, std::uint64_t& into) {
  std::string text;
  if (auto objection = read_bare(node, "a whole number", text))
    return objection;
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  // YAML readers disagree about 010: ten, or eight.
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  const bool too_large = failure == std::errc::result_out_of_range && rest == end;
  if (!too_large && (failure != std::errc{} || rest != end || leading_zero))
    return not_whole(text, range);
  if (too_large || value < range.least || value > range.most)
    return Objection{fmt::format("{} is out of range", printable(text, 40)),
                     fmt::format("from {} to {}", range.least, range.most)};
  into = value;
  return std::nullopt;
}

Verdict read_whole(const YamlNode& node, Range range, unsigned& into) {
  std::uint64_t value = 0;
  auto objection = read_whole(node, range, value);
  if (!objection)
    into = static_cast<unsigned>(value);
  return objection;
}

Verdict read_rate(const YamlNode& node, double least, double most, double& into) {
  std::string text;
  if (auto objection = read_bare(node, "a number", text))
    return objection;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (failure != std::errc{} || rest != end || !std::isfinite(value))
    return Objection{fmt::format("'{}' is not a number", printable(text, 40)), "write it as 20 or 0.5"};
  if (value < least || value > most)
    return Objection{fmt::format("{} is out of range", printable(text, 40)),
                     fmt::format("from {} to {}", least, most)};
  into = value;
  return std::nullopt;
}

Verdict read_size(const YamlNode& node, Range range, std::uint64_t& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  const auto span = fmt::format("from {} to {}", spell_size(range.least), spell_size(range.most));
  const auto value = parse_size(text);
  if (!value && parse_size(with_a_one(text)))
    return Objection{fmt::format("'{}' is too large", printable(text, 40)), span};
  if (!value)
    return Objection{fmt::format("'{}' is not a size", printable(text, 40)),
                     "write a whole number with KiB, MiB or GiB, as in 8MiB"};
  if (*value < range.least || *value > range.most)
    return Objection{fmt::format("{} is out of range", printable(text, 40)), span};
  into = *value;
  return std::nullopt;
}

Verdict read_duration(const YamlNode& node, DurationRange range, Milliseconds& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  const auto span = fmt::format("from {} to {}", spell_duration(range.least), spell_duration(range.most));
  const auto value = parse_duration(text);
  if (!value && parse_duration(with_a_one(text)))
    return Objection{fmt::format("'{}' is too large", printable(text, 40)), span};
  if (!value)
    return Objection{fmt::format("'{}' is not a duration", printable(text, 40)),
                     "write a whole number with ms, s, m, h or d, as in 10s"};
  if (*value < range.least || *value > range.most)
    return Objection{fmt::format("{} is out of range", printable(text, 40)), span};
  into = *value;
  return std::nullopt;
}

Verdict read_switch(const YamlNode& node, bool& into) {
  std::string text;
  if (auto objection = read_bare(node, "true or false", text))
    return objection;
  if (text != "true" && text != "false")
    return Objection{fmt::format("'{}' is neither true nor false", printable(text, 40)),
                     "write true or false"};
  into = text == "true";
  return std::nullopt;
}

}  // namespace usherd
