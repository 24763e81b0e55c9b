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
  lines_end_ = lines_ + lines.size();
  backslash_ = lines_;
  next_ = tokens_.begin();
}

bool PlainRecords::check(std::string_view line, Record& record) {
  if (!ready_)
    return false;
  while (lines_ + *next_ < line.data())
    ++next_;
  end_ = line.data() + line.size();
  values_ = 0;
  depth_ = 0;
  mergeable_ = true;
  Names names;
  const auto check = [&](std::string_view name) { return check_member(name, names); };
  if (take() != '{' || !take_members(check) || lines_ + *next_ < end_)
    return false;
  const bool has_uid = names.uid.data() != nullptr;
  const bool has_id = names.id.data() != nullptr;
  if (!has_uid && !has_id)
    return false;
  record.user = has_uid ? keys_.uid(names.uid) : keys_.id(names.id);
  record.second = has_uid && has_id ? keys_.id(names.id) : 0;
  record.length = static_cast<std::uint32_t>(line.size());
  record.flags = mergeable_ && has_uid != has_id ? kMergeable : 0;
  return true;
}

/// The next token's first byte, or 0 where the line has no more.
inline char PlainRecords::take() {
  at_ = lines_ + *next_;
  if (at_ >= end_)
    return '\0';
  ++next_;
  return *at_;
}

/// Looks for the next backslash from `from` on.
inline void PlainRecords::find_backslash(const char* from) {
  const auto* found = std::memchr(from, '\\', static_cast<std::size_t>(lines_end_ - from));
  backslash_ = found == nullptr ? lines_end_ : static_cast<const char*>(found);
}

/// Whether no backslash stands in the text. To be asked in rising order.
inline bool PlainRecords::is_plain(std::string_view text) {
  if (backslash_ < text.data())
    find_backslash(text.data());
  return backslash_ >= text.data() + text.size();
}

/// Behind a string's opening quote: its text as it stands, and the token behind it.
inline bool PlainRecords::take_string(std::string_view& raw) {
  const char* const begin = at_ + 1;
  if (take() == '\0')
    return false;
  const char* end = at_ - 1;
  while (is_blank(*end))
    --end;
  raw = {begin, static_cast<std::size_t>(end - begin)};
  return *end == '"';
}

/// Behind a name's opening quote: its text as it stands, and the colon behind it. No good name has a
/// backslash.
inline bool PlainRecords::take_name(std::string_view& name) {
  return take_string(name) && *at_ == ':';
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

/// Behind an object's opening brace: all its members, up to the closing one. `check` gets a name as it
/// stands, takes the value and the token behind it.
template <class Check>
inline bool PlainRecords::take_members(Check check) {
  char token = take();
  if (token == '}')
    return true;
  for (;; token = take()) {
    std::string_view name;
    if (token != '"' || !take_name(name) || !check(name))
      return false;
    if (*at_ != ',')
      return *at_ == '}';
  }
}

/// A number whose value no double and no 64 bits could miss, and the token behind it.
inline bool PlainRecords::take_number() {
  const char* at = at_;
  if (take() == '\0')
    return false;
  const char* end = at_;
  while (is_blank(end[-1]))
    --end;
  at += *at == '-' ? 1 : 0;
  return is_small_number({at, static_cast<std::size_t>(end - at)});
}

inline bool PlainRecords::take_word(std::string_view word) {
  const char* at = at_;
  if (take() == '\0' || static_cast<std::size_t>(at_ - at) < word.size() ||
      std::memcmp(at, word.data(), word.size()) != 0)
    return false;
  at += word.size();
  while (at < at_ && is_blank(*at))
    ++at;
  return at == at_;
}

/// Leaves the token behind the member's value taken.
inline bool PlainRecords::check_member(std::string_view name, Names& names) {
  const auto member = RecordMember::of(name);
  if (member == none || (names.seen & member) != 0)
    return false;
  names.seen |= member;
  switch (take()) {
    case 'n':
      mergeable_ = false;
      return take_word("null");
    case '{':
      return member == properties ? check_properties() : member == schema && check_schema();
    case '"':
      return member != properties && member != schema && check_text(member, names);
    default:
      return false;
  }
}

bool PlainRecords::check_text(RecordMember::Bit member, Names& names) {
  std::string_view text;
  if (!take_string(text) || text.size() > (member == email ? 128 : 256))
    return false;
  if (member != uid && member != id) {
    mergeable_ &= !text.empty();
    return unescapes(text);
  }
  // In escapes it would have to be kept until the line's end.
  (member == uid ? names.uid : names.id) = text;
  return !text.empty() && is_plain(text);
}

bool PlainRecords::check_properties() {
  known_.begin_record();
  return take_members([this](std::string_view name) {
           const auto found = known_.find(name);
           if (found == KnownNames::Found::unknown) {
             if (!is_property_name(name) || name.size() > kMostNameLength)
               return false;
             mergeable_ &= known_.add(name);
           } else if (found == KnownNames::Found::again) {
             mergeable_ = false;
           }
           return check_property(name, 0);
         }) &&
         take() != '\0';
}

bool PlainRecords::check_schema() {
  mergeable_ = false;
  return take_members([this](std::string_view name) {
           return name == "properties" && take() == '{' && take_members([this](std::string_view selector) {
                    std::string_view type;
                    return take() == '"' && take_string(type) && is_declaration(selector, type);
                  }) &&
                  take() != '\0';
         }) &&
         take() != '\0';
}

/// Leaves the token behind the value taken.
bool PlainRecords::check_property(std::string_view name, std::size_t path_length) {
  if (++values_ > kMostProperties)
    return false;
  switch (take()) {
    case '"': {
      std::string_view text;
      if (!take_string(text))
        return false;
      mergeable_ &= !text.empty();
      return text.size() <= PropertyRules::kMostValueBytes && unescapes(text);
    }
    case '[':
      return check_array();
    case '{':
      mergeable_ = false;
      return check_nested(path_length + name.size() + 1);
    case 't':
      return take_word("true");
    case 'f':
      return take_word("false");
    case 'n':
      mergeable_ = false;
      return take_word("null");
    default:
      return take_number();
  }
}

bool PlainRecords::check_nested(std::size_t path_length) {
  if (depth_ == PropertyRules::kMostDepth)
    return false;
  ++depth_;
  const bool good = take_members([this, path_length](std::string_view name) {
    return is_property_name(name) && path_length + name.size() <= kMostNameLength &&
           check_property(name, path_length);
  });
  --depth_;
  return good && take() != '\0';
}

bool PlainRecords::check_array() {
  const char* const begin = at_;
  char first = '\0';
  char token = take();
  if (token == ']') {
    mergeable_ = false;
    return take() != '\0';
  }
  for (;; token = take()) {
    char kind = token;
    if (token == '"') {
      std::string_view text;
      if (!take_string(text) || !unescapes(text))
        return false;
      mergeable_ &= !text.empty();
    } else if (token == 't') {
      if (!take_word("true"))
        return false;
    } else if (token == 'f') {
      kind = 't';
      if (!take_word("false"))
        return false;
    } else if (token == 'n') {
      mergeable_ = false;
      if (!take_word("null"))
        return false;
    } else {
      kind = '0';
      if (!take_number())
        return false;
    }
    mergeable_ &= first == '\0' || kind == first;
    first = kind;
    if (*at_ != ',')
      break;
  }
  // Printed anew it is no longer than twice what stands there: 1e9 becomes 1e+09.
  return *at_ == ']' && static_cast<std::size_t>(at_ + 1 - begin) <= PropertyRules::kMostValueBytes / 2 &&
         take() != '\0';
}

}  // namespace usherd
