#include "src/validate/plain_records.hpp"

#include "src/validate/property_rules.hpp"
#include "src/validate/scalar_text.hpp"

#include <cstring>

namespace usherd {
namespace {

using enum RecordMember::Bit;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

bool is_blank(const char* from, const char* to) {
  while (from < to && is_blank(*from))
    ++from;
  return from == to;
}

}  // namespace

struct PlainRecords::Names {
  std::string_view uid;
  std::string_view id;
  unsigned seen = 0;
};

PlainRecords::PlainRecords(const UserKeys& keys, std::size_t most_bytes)
    : keys_(keys),
      tokens_(most_bytes),
      unescaped_(PropertyRules::kMostValueBytes + simdjson::SIMDJSON_PADDING),
      most_bytes_(most_bytes) {}

void PlainRecords::take_up(std::string_view lines) {
  ready_ = !lines.empty() && lines.size() <= most_bytes_ && tokens_.build(lines);
  if (!ready_)
    return;
  lines_ = lines.data();
  end_ = static_cast<std::uint32_t>(lines.size());
  backslash_ = lines_;
  next_ = tokens_.begin();
}

std::size_t PlainRecords::check(const char* line, Record& record) {
  if (!ready_)
    return 0;
  const auto begin = static_cast<std::uint32_t>(line - lines_);
  while (*next_ < begin)
    ++next_;
  if (*next_ >= end_ || first(next_) != '{' || !is_blank(line, lines_ + *next_))
    return 0;
  values_ = 0;
  depth_ = 0;
  mergeable_ = true;
  Names names;
  const auto is_member = [](std::string_view name) { return RecordMember::of(name) != none; };
  const auto check = [&](Token value) { return check_member(value, names); };
  const Token last = walk_object(next_, members_, is_member, check);
  const bool has_uid = names.uid.data() != nullptr;
  const bool has_id = names.id.data() != nullptr;
  if (last == nullptr || (!has_uid && !has_id))
    return 0;
  const auto end = line_end(last);
  const auto length = end - begin;
  if (length > kMostRecordBytes || (end < end_ && lines_[end] != '\n'))
    return 0;
  record.user = has_uid ? keys_.uid(names.uid) : keys_.id(names.id);
  record.second = has_uid && has_id ? keys_.id(names.id) : 0;
  record.length = length;
  record.flags = mergeable_ && has_uid != has_id ? kMergeable : 0;
  next_ = last + 1;
  return length;
}

/// Behind a record's last token: its line's end, or what should not stand there.
inline std::uint32_t PlainRecords::line_end(Token last) const {
  auto end = *last + 1;
  while (end < end_ && is_blank(lines_[end]))
    ++end;
  return end;
}

/// Looks for the next backslash from `from` on. Where text is escaped one follows the other.
inline void PlainRecords::find_backslash(const char* from) {
  if (*from == '\\' && from < lines_ + end_) {
    backslash_ = from;
    return;
  }
  const auto* found = std::memchr(from, '\\', static_cast<std::size_t>(lines_ + end_ - from));
  backslash_ = found == nullptr ? lines_ + end_ : static_cast<const char*>(found);
}

/// Whether no backslash stands in the text. To be asked in rising order.
inline bool PlainRecords::is_plain(std::string_view text) {
  if (backslash_ < text.data())
    find_backslash(text.data());
  return backslash_ >= text.data() + text.size();
}

/// The text of the string at `string`, as it stands, and the token behind it.
inline PlainRecords::Token PlainRecords::string_end(Token string, std::string_view& raw) const {
  const Token behind = string + 1;
  if (*behind >= end_)
    return nullptr;
  const char* const begin = lines_ + *string + 1;
  const char* end = lines_ + *behind - 1;
  while (is_blank(*end))
    --end;
  raw = {begin, static_cast<std::size_t>(end - begin)};
  return *end == '"' ? behind : nullptr;
}

/// Whether every escape in a string's text is one.
inline bool PlainRecords::unescapes(std::string_view raw) {
  return is_plain(raw) || check_escapes(raw);
}

bool PlainRecords::check_escapes(std::string_view raw) {
  const char* const end = raw.data() + raw.size();
  while (backslash_ < end) {
    switch (backslash_[1]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't':
        find_backslash(backslash_ + 2);
        break;
      case 'u':
        if (is_lone_unit(backslash_ + 2)) {
          find_backslash(backslash_ + 6);
          break;
        }
        [[fallthrough]];
      default:
        // Halves of a pair, which must fit together, or a bad escape.
        return raw.size() <= PropertyRules::kMostValueBytes &&
               tokens_.unescape(raw.data(), unescaped_.data()).data() != nullptr;
    }
  }
  return true;
}

/// From a name that is not known to stand so, the one behind `lead`, a brace or comma: its value.
template <class IsGood>
PlainRecords::Token PlainRecords::new_name_end(Token lead, KnownNames& known, IsGood is_good) {
  std::string_view name;
  const Token colon = string_end(lead + 1, name);
  // No good name has a backslash.
  if (colon == nullptr || first(colon) != ':' || behind(colon) == nullptr || name.size() > kMostNameLength)
    return nullptr;
  const auto found = known.find(name);
  if (found == KnownNames::Found::unknown && (!is_good(name) || !known.add(name)))
    return nullptr;
  if (found == KnownNames::Found::again)
    mergeable_ = false;
  known.keep_lead(lines_ + *lead, colon[1] - *lead);
  return colon + 1;
}

/// From an object's opening brace: the closing one. `is_good` judges names, `check` gets each value and gives
/// the token behind it.
template <class IsGood, class Check>
inline PlainRecords::Token PlainRecords::walk_object(Token brace, KnownNames& known, IsGood is_good,
                                                     Check check) {
  known.begin_object();
  Token at = brace;
  do {
    Token value = at + 3;
    const auto found = *value < end_ ? known.follow(lines_ + *at, *value - *at) : KnownNames::Found::unknown;
    if (found == KnownNames::Found::again)
      mergeable_ = false;
    if (found == KnownNames::Found::unknown) {
      if (behind(at) == nullptr)
        return nullptr;
      const char token = first(at + 1);
      if (token == '}' && at == brace)
        return at + 1;
      if (token != '"')
        return nullptr;
      value = new_name_end(at, known, is_good);
      if (value == nullptr)
        return nullptr;
    }
    at = check(value);
    if (at == nullptr)
      return nullptr;
  } while (first(at) == ',');
  return first(at) == '}' ? at : nullptr;
}

/// From a token of one byte: the one behind it, if it stands on the same line.
inline PlainRecords::Token PlainRecords::behind(Token token) const {
  if (token == nullptr || token[1] >= end_ || !is_blank(lines_ + *token + 1, lines_ + token[1]))
    return nullptr;
  return token + 1;
}

/// Behind a number whose value no double and no 64 bits could miss.
inline PlainRecords::Token PlainRecords::number_end(Token number) const {
  const Token next = number + 1;
  if (*next >= end_)
    return nullptr;
  const char* begin = lines_ + *number;
  const char* end = lines_ + *next;
  while (is_blank(end[-1]))
    --end;
  begin += *begin == '-' ? 1 : 0;
  return is_small_number({begin, static_cast<std::size_t>(end - begin)}) ? next : nullptr;
}

inline PlainRecords::Token PlainRecords::word_end(Token at, std::string_view word) const {
  const Token next = at + 1;
  const char* const begin = lines_ + *at;
  const bool good = *next < end_ && *next - *at >= word.size() &&
                    std::memcmp(begin, word.data(), word.size()) == 0 &&
                    is_blank(begin + word.size(), lines_ + *next);
  return good ? next : nullptr;
}

inline PlainRecords::Token PlainRecords::check_member(Token value, Names& names) {
  const auto member = RecordMember::of(name_of(value, members_));
  if ((names.seen & member) != 0)
    return nullptr;
  names.seen |= member;
  switch (first(value)) {
    case 'n':
      mergeable_ = false;
      return word_end(value, "null");
    case '{':
      return member == properties ? check_properties(value)
             : member == schema   ? check_schema(value)
                                  : nullptr;
    case '"':
      return member != properties && member != schema ? check_text(value, member, names) : nullptr;
    default:
      return nullptr;
  }
}

inline PlainRecords::Token PlainRecords::check_text(Token value, RecordMember::Bit member, Names& names) {
  std::string_view text;
  const Token end = string_end(value, text);
  if (end == nullptr || text.size() > (member == email ? 128 : 256))
    return nullptr;
  if (member != uid && member != id) {
    mergeable_ &= !text.empty();
    return unescapes(text) ? end : nullptr;
  }
  // In escapes it would have to be kept until the line's end.
  (member == uid ? names.uid : names.id) = text;
  return !text.empty() && is_plain(text) ? end : nullptr;
}

inline PlainRecords::Token PlainRecords::check_properties(Token brace) {
  return behind(walk_object(brace, own_names_, is_property_name,
                            [this](Token value) { return check_property(value, own_names_, 0); }));
}

PlainRecords::Token PlainRecords::check_schema(Token brace) {
  mergeable_ = false;
  const auto any = [](std::string_view) { return true; };
  const auto declared = [this](Token value) -> Token {
    std::string_view type;
    const Token end = first(value) == '"' ? string_end(value, type) : nullptr;
    return end != nullptr && is_declaration(name_of(value, selectors_), type) ? end : nullptr;
  };
  const auto properties = [&](Token value) {
    const bool good = first(value) == '{' && name_of(value, schema_names_) == "properties";
    return good ? behind(walk_object(value, selectors_, any, declared)) : nullptr;
  };
  return behind(walk_object(brace, schema_names_, any, properties));
}

inline PlainRecords::Token PlainRecords::check_property(Token value, const KnownNames& known,
                                                        std::size_t path_length) {
  if (++values_ > kMostProperties)
    return nullptr;
  switch (first(value)) {
    case '"': {
      std::string_view text;
      const Token end = string_end(value, text);
      if (end == nullptr || text.size() > PropertyRules::kMostValueBytes)
        return nullptr;
      mergeable_ &= !text.empty();
      return unescapes(text) ? end : nullptr;
    }
    case '[':
      return check_array(value);
    case '{':
      mergeable_ = false;
      return check_nested(value, path_length + known.length() + 1);
    case 't':
      return word_end(value, "true");
    case 'f':
      return word_end(value, "false");
    case 'n':
      mergeable_ = false;
      return word_end(value, "null");
    default:
      return number_end(value);
  }
}

PlainRecords::Token PlainRecords::check_nested(Token brace, std::size_t path_length) {
  if (depth_ == PropertyRules::kMostDepth)
    return nullptr;
  ++depth_;
  const Token last =
      walk_object(brace, nested_names_, is_property_name, [this, path_length](Token value) -> Token {
        if (path_length + nested_names_.length() > kMostNameLength)
          return nullptr;
        return check_property(value, nested_names_, path_length);
      });
  --depth_;
  return behind(last);
}

PlainRecords::Token PlainRecords::check_array(Token bracket) {
  char kind = '\0';
  Token at = behind(bracket);
  if (at != nullptr && first(at) == ']') {
    mergeable_ = false;
    return behind(at);
  }
  for (; at != nullptr; at = behind(at)) {
    const char before = kind;
    kind = first(at);
    if (kind == '"') {
      std::string_view text;
      at = string_end(at, text);
      if (at == nullptr || !unescapes(text))
        return nullptr;
      mergeable_ &= !text.empty();
    } else if (kind == 't') {
      at = word_end(at, "true");
    } else if (kind == 'f') {
      kind = 't';
      at = word_end(at, "false");
    } else if (kind == 'n') {
      mergeable_ = false;
      at = word_end(at, "null");
    } else {
      kind = '0';
      at = number_end(at);
    }
    mergeable_ &= before == '\0' || kind == before;
    if (at == nullptr || first(at) != ',')
      break;
  }
  // Printed anew it is no longer than twice what stands there: 1e9 becomes 1e+09.
  const bool good =
      at != nullptr && first(at) == ']' && *at + 1 - *bracket <= PropertyRules::kMostValueBytes / 2;
  return good ? behind(at) : nullptr;
}

}  // namespace usherd
