#include "usherd/settle/reject_line.hpp"

#include "usherd/core/base64.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kMostParsed = 4 << 20;

bool is_json(std::string_view bytes) {
  if (bytes.size() > kMostParsed)
    return false;
  // One a thread, reused: a file may bring rejects by the hundred thousand.
  thread_local simdjson::dom::parser parser(kMostParsed);
  thread_local std::vector<char> padded;
  padded.assign(bytes.begin(), bytes.end());
  padded.resize(bytes.size() + simdjson::SIMDJSON_PADDING, '\0');
  return parser.parse(padded.data(), bytes.size(), false).error() == simdjson::SUCCESS;
}

void append_record(std::string& out, std::string_view record, bool no_json) {
  if (no_json || !is_json(record)) {
    out += "\"raw\":";
    append_json_string(out, record);
    if (!is_utf8(record)) {
      out += ",\"raw_base64\":\"";
      append_base64(out, record);
      out += '"';
    }
    return;
  }
  out += "\"record\":";
  const auto start = out.size();
  out += record;
  // Inside a JSON string no bare line break can stand.
  const auto is_break = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), is_break, ' ');
}

}  // namespace

std::string_view name_of(Stage stage) {
  constexpr std::array<std::string_view, 3> kNames{"local", "api", "unknown"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::optional<Stage> stage_named(std::string_view name) {
  for (const auto stage : {Stage::local, Stage::api, Stage::unknown}) {
    if (name == name_of(stage))
      return stage;
  }
  return std::nullopt;
}

void append_reject_line(std::string& out, const RejectLine& line) {
  out += "{\"file\":";
  append_json_string(out, line.file);
  fmt::format_to(std::back_inserter(out), ",\"line\":{},\"offset\":{},\"stage\":\"{}\",\"code\":", line.line,
                 line.offset, name_of(line.stage));
  append_json_string(out, line.code);
  out += ",\"message\":";
  append_json_string(out, line.message);
  if (line.batch == 0)
    out += ",\"batch\":null";
  else
    fmt::format_to(std::back_inserter(out), ",\"batch\":{}", line.batch);
  out += ",\"job\":";
  if (line.job.empty())
    out += "null";
  else
    append_json_string(out, line.job);
  out += ',';
  append_record(out, line.record, line.no_json);
  out += "}\n";
}

}  // namespace usherd
