#pragma once

#include "tests/unit/validate/text_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace usherd {

/// What a file makes of the line: the quick way of its blocks and the full one must agree.
inline CheckedBlock in_file(std::string_view line, RecordRules rules) {
  BlockReader reader(rules, test_keys());
  TextFile file{std::string(line)};
  return read_all(reader, file, line.size());
}

/// The code of the rule that `line` breaks; empty when it is a good record.
inline std::string code_of(std::string_view line, RecordRules rules = {}) {
  BlockReader reader(rules, test_keys());
  const auto rejection = reader.check_line(line);
  const std::string code = rejection ? rejection->code : "";
  if (line.find_first_not_of(" \t\r") != std::string_view::npos &&
      line.find('\n') == std::string_view::npos && !line.starts_with("\xEF\xBB\xBF")) {
    const auto block = in_file(line, rules);
    CHECK(block.lines == 1);
    CHECK((block.rejections.empty() ? "" : block.rejections.front().code) == code);
  }
  return code;
}

inline Record good(std::string_view line, RecordRules rules = {}) {
  BlockReader reader(rules, test_keys());
  Record record;
  const auto rejection = reader.check_line(line, 0, 1, &record);
  REQUIRE_MESSAGE(!rejection, rejection->message);
  const auto block = in_file(line, rules);
  REQUIRE(block.records.size() == 1);
  CHECK(block.records.all().front().user == record.user);
  CHECK(block.records.all().front().second == record.second);
  CHECK(block.records.all().front().flags == record.flags);
  return record;
}

}  // namespace usherd
