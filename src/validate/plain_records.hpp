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

  /// Where the line that begins at `line`, one of the block's, is a good record: its length without the
  /// newline, and user, second, length and flags of `record`. Else 0. Lines must come in their order; any may
  /// be left out.
  std::size_t check(const char* line, Record& record);

 private:
  /// Points into the index: at the token itself.
  using Token = const std::uint32_t*;
  struct Names;

  // Each takes the first token of what it checks, gives the one behind it, or null where it does not know it
  // to be good.
  Token check_member(Token value, Names& names);
  Token check_text(Token value, RecordMember::Bit member, Names& names);
  Token check_properties(Token brace);
  Token check_schema(Token brace);
  Token check_property(Token value, const KnownNames& known, std::size_t path_length);
  Token check_nested(Token brace, std::size_t path_length);
  Token check_array(Token bracket);
  Token string_end(Token string, std::string_view& raw) const;
  [[nodiscard]] Token number_end(Token number) const;
  [[nodiscard]] Token word_end(Token at, std::string_view word) const;
  [[nodiscard]] Token behind(Token token) const;
  [[nodiscard]] std::uint32_t line_end(Token last) const;

  template <class IsGood, class Check>
  Token walk_object(Token brace, KnownNames& known, IsGood is_good, Check check);
  template <class IsGood>
  Token new_name_end(Token lead, KnownNames& known, IsGood is_good);
  [[nodiscard]] char first(Token token) const { return lines_[*token]; }
  /// Of a value's member, the last that `known` was asked for.
  [[nodiscard]] std::string_view name_of(Token value, const KnownNames& known) const {
    return {lines_ + value[-2] + 1, known.length()};
  }

  void find_backslash(const char* from);
  bool is_plain(std::string_view text);
  bool check_escapes(std::string_view raw);
  bool unescapes(std::string_view raw);

  UserKeys keys_;
  TokenIndex tokens_;
  KnownNames members_;
  KnownNames own_names_;  // of properties that are not nested
  KnownNames nested_names_;
  KnownNames schema_names_;
  KnownNames selectors_;
  std::vector<char> unescaped_;
  std::size_t most_bytes_;
  bool ready_ = false;
  const char* lines_ = nullptr;
  std::uint32_t end_ = 0;            // of the lines
  const char* backslash_ = nullptr;  // the next one, or the lines' end
  Token next_ = nullptr;             // the first that no line has taken
  std::size_t values_ = 0;
  std::size_t depth_ = 0;
  bool mergeable_ = true;
};

}  // namespace usherd
