#pragma once

#include "src/validate/names.hpp"
#include "src/validate/record_members.hpp"
#include "src/validate/token_index.hpp"
#include "usherd/validate/record.hpp"
#include "usherd/validate/user_keys.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace usherd {

/// The quick way for the records that most files consist of: one walk over the tokens of a line parses it and
/// checks every rule at once, with no tape in between. It only ever says yes. Whatever it does not recognise
/// as a good record (any fault, a number of many digits, an escape in a name, ...) RecordChecker
/// must look at, and whatever it takes RecordChecker would take with the same result: plain_records_test and
/// records_fuzz compare them.
class PlainRecords {
 public:
  /// For blocks of up to `most_bytes`.
  PlainRecords(const UserKeys& keys, std::size_t most_bytes);

  /// Makes ready for whole lines, which must stay as they are until the next block. At least
  /// simdjson::SIMDJSON_PADDING bytes behind them must be readable.
  void take_up(std::string_view lines);

  /// Whether this line of the block, without its newline, is a good record: then fills user, second, length
  /// and flags. Lines must come in their order; any may be left out.
  bool check(std::string_view line, Record& record);

 private:
  struct Names;
  bool check_member(std::string_view name, Names& names);
  bool check_text(RecordMember::Bit member, Names& names);
  bool check_properties();
  bool check_schema();
  bool check_property(std::string_view name, std::size_t path_length);
  bool check_nested(std::size_t path_length);
  bool check_array();

  char take();
  bool take_name(std::string_view& name);
  bool take_string(std::string_view& raw);
  template <class Check>
  bool take_members(Check check);
  bool take_number();
  bool take_word(std::string_view word);
  void find_backslash(const char* from);
  bool is_plain(std::string_view text);
  bool check_escapes(std::string_view raw);
  bool unescapes(std::string_view raw);

  UserKeys keys_;
  TokenIndex tokens_;
  KnownNames known_;
  std::vector<char> unescaped_;
  std::size_t most_bytes_;
  bool ready_ = false;
  const char* lines_ = nullptr;
  const char* lines_end_ = nullptr;
  const char* backslash_ = nullptr;  // the next one, or lines_end_
  const std::uint32_t* next_ = nullptr;
  const char* at_ = nullptr;   // the token taken last
  const char* end_ = nullptr;  // of the line
  std::size_t values_ = 0;
  std::size_t depth_ = 0;
  bool mergeable_ = true;
};

}  // namespace usherd
