#pragma once

#include "usherd/ledger/rows.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// Who refused a record: a local rule, the API, or nobody for sure.
enum class Stage : std::uint8_t { local, api, unknown };

[[nodiscard]] std::string_view name_of(Stage stage);
/// Nothing for another word.
[[nodiscard]] std::optional<Stage> stage_named(std::string_view name);

/// Why one record was not imported, as NAME.rejects.ndjson tells it. Owns nothing.
struct RejectLine {
  std::string_view file;     ///< the name under which the file is kept
  std::uint64_t line = 0;    ///< of the original, from 1
  std::uint64_t offset = 0;  ///< of the original, in bytes
  Stage stage = Stage::local;
  std::string_view code;  ///< local ones are ours, API ones as given
  std::string_view message;
  BatchId batch = 0;        ///< 0 for none
  std::string_view job;     ///< empty for none
  std::string_view record;  ///< the original bytes
  bool no_json = false;     ///< by its format, whatever it looks like: a row of CSV
};

/// Appends one line of JSON with its newline: {"file","line","offset","stage","code","message","batch","job",
/// "record"}; `batch` is a number, or null, as is `job`. The record stands there as it is where it is JSON,
/// but for line breaks between its tokens, which become blanks; else `raw` holds it as a string in place of
/// `record`. Where it is not UTF-8, these bytes are replaced there, and `raw_base64` behind it has the record
/// exactly. Records past 4 MiB, and what is no JSON by its format, are always `raw`.
void append_reject_line(std::string& out, const RejectLine& line);

}  // namespace usherd
