#include "src/settle/retry_note.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <simdjson.h>

#include <algorithm>
#include <utility>

namespace usherd {
namespace {

constexpr std::string_view kDraft = ".new";
constexpr std::size_t kUuid = 36;
/// Of a long note no more than this is parsed at once.
constexpr std::size_t kLinesAtOnce = 10'000;

using Lines = std::vector<RetryNote::Line>;

bool read_lines(const simdjson::dom::array& numbers, Lines& into) {
  std::vector<std::uint64_t> values;
  for (const auto element : numbers) {
    if (element.get(values.emplace_back()) != simdjson::SUCCESS)
      return false;
  }
  for (std::size_t at = 0; at + 2 < values.size(); at += 3)
    into.push_back({values[at], values[at + 1], values[at + 2]});
  return values.size() % 3 == 0;
}

/// The first line has the name and how many lines of rejects the others tell of.
bool read_head(const simdjson::dom::object& object, RetryNote& note, std::uint64_t& count) {
  std::string_view name;
  if (object["retried_as"].get(name) != simdjson::SUCCESS || object["lines"].get(count) != simdjson::SUCCESS)
    return false;
  note.retried_as = name;
  return !name.empty() && name.find('/') == std::string_view::npos;
}

bool read_part(const simdjson::dom::object& object, RetryNote& note) {
  std::string_view file;
  simdjson::dom::array numbers;
  if (object["file"].get(file) != simdjson::SUCCESS || object["lines"].get(numbers) != simdjson::SUCCESS ||
      file.empty() || file.find('/') != std::string_view::npos)
    return false;
  return read_lines(numbers, note.lines[std::string(file)]);
}

}  // namespace

std::string RetryNote::encode() const {
  std::size_t count = 0;
  for (const auto& [file, its] : lines)
    count += its.size();
  std::string text = "{\"retried_as\":";
  append_json_string(text, retried_as);
  text += fmt::format(",\"lines\":{}}}\n", count);
  for (const auto& [file, its] : lines) {
    for (std::size_t from = 0; from < its.size(); from += kLinesAtOnce) {
      text += "{\"file\":";
      append_json_string(text, file);
      text += ",\"lines\":[";
      for (auto at = from; at < std::min(its.size(), from + kLinesAtOnce); ++at)
        text += fmt::format("{}{},{},{}", at == from ? "" : ",", its[at].line, its[at].offset,
                            its[at].retried_line);
      text += "]}\n";
    }
  }
  return text;
}

Result<RetryNote> RetryNote::decode(std::string_view text) {
  const Error broken{Errc::corrupt, "it does not tell which lines a retry sent"};
  RetryNote note;
  std::uint64_t count = 0;
  simdjson::dom::parser parser;
  for (bool head = true; !text.empty(); head = false) {
    const auto end = std::min(text.find('\n'), text.size());
    const simdjson::padded_string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    simdjson::dom::object object;
    if (parser.parse(line).get(object) != simdjson::SUCCESS ||
        !(head ? read_head(object, note, count) : read_part(object, note)))
      return broken;
  }
  for (const auto& [file, its] : note.lines)
    count -= its.size();
  if (note.retried_as.empty() || count != 0)
    return broken;
  return note;
}

bool RetryPaths::is_name(std::string_view name) {
  return name.size() == kBeginning.size() + kUuid && name.starts_with(kBeginning) &&
         name.find_first_not_of("0123456789abcdef-", kBeginning.size()) == std::string_view::npos;
}

bool RetryPaths::is_draft(std::string_view name) {
  return name.ends_with(kDraft) && is_name(name.substr(0, name.size() - kDraft.size()));
}

std::string RetryPaths::draft(const std::string& name) const {
  return fmt::format("{}{}", note(name), kDraft);
}

}  // namespace usherd
