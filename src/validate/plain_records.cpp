#include "src/validate/plain_records.hpp"

#include "src/validate/property_rules.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace usherd {
namespace {

constexpr unsigned kUid = 1;
constexpr unsigned kId = 2;
constexpr unsigned kDisplayName = 4;
constexpr unsigned kEmail = 8;
constexpr unsigned kProperties = 16;

/// 0 where it is no member that is known here. No two are of one length.
unsigned member_of(std::string_view name) {
  switch (name.size()) {
    case 2:
      return name == "id" ? kId : 0;
    case 3:
      return name == "uid" ? kUid : 0;
    case 5:
      return name == "email" ? kEmail : 0;
    case 10:
      return name == "properties" ? kProperties : 0;
    case 12:
      return name == "display_name" ? kDisplayName : 0;
    default:
      return 0;
  }
}

constexpr auto make_hex_digits() {
  std::array<std::uint8_t, 256> digits{};
  for (const char c : std::string_view("0123456789abcdefABCDEF"))
    digits[static_cast<unsigned char>(c)] = 1;
  return digits;
}
constexpr auto kHexDigit = make_hex_digits();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/// Each byte of `text`, which has at most eight, that is no digit: its highest bit. Eight bytes must be
/// readable.
std::uint64_t no_digits(std::string_view text) {
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, text.data(), sizeof word);
  word ^= 0x3030303030303030;
  const auto mask = (((word & ~kHigh) + 0x7676767676767676) | word) & kHigh;
  return text.size() < 8 ? mask & ((std::uint64_t{1} << (8 * text.size())) - 1) : mask;
}

/// Whether four hexadecimal digits stand at `digits` that are no half of a surrogate pair.
bool is_lone_unit(const char* digits) {
  unsigned wrong = 0;
  for (int i = 0; i < 4; ++i)
    wrong |= kHexDigit[static_cast<unsigned char>(digits[i])] ^ 1;
  const bool half = (digits[0] | 0x20) == 'd' && (digits[1] | 0x20) >= '8';
  return wrong == 0 && !half;
}

bool is_small_number(std::string_view text) {
  constexpr std::size_t kMostDigits = 18;
  if (text.empty() || !is_digit(text.front()))
    return false;
  if (text.front() == '0' && text.size() > 1 && text[1] != '.')
    return false;
  std::size_t dot = text.size();
  if (text.size() <= 8) {
    const auto others = no_digits(text);
    if (others == 0)
      return true;
    dot = static_cast<std::size_t>(std::countr_zero(others)) / 8;
    return (others & (others - 1)) == 0 && text[dot] == '.' && dot + 1 < text.size();
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i]))
      continue;
    if (text[i] != '.' || dot != text.size() || i + 1 == text.size())
      return false;
    dot = i;
  }
  return dot <= kMostDigits;
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
  if (take() != '{' || !check_members(names) || lines_ + *next_ < end_)
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

/// Behind a name's opening quote: its text as it stands, and the colon behind it. No good name has a
/// backslash.
inline bool PlainRecords::take_name(std::string_view& name) {
  const char* const begin = at_ + 1;
  if (take() != ':' || at_[-1] != '"')
    return false;
  name = {begin, static_cast<std::size_t>(at_ - 1 - begin)};
  return true;
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

bool PlainRecords::check_members(Names& names) {
  do {
    std::string_view name;
    if (take() != '"' || !take_name(name) || !check_member(name, names))
      return false;
  } while (*at_ == ',');
  return *at_ == '}';
}

/// Leaves the token behind the member's value taken.
inline bool PlainRecords::check_member(std::string_view name, Names& names) {
  const auto member = member_of(name);
  if (member == 0 || (names.seen & member) != 0)
    return false;
  names.seen |= member;
  switch (take()) {
    case 'n':
      mergeable_ = false;
      return take_word("null");
    case '{':
      return member == kProperties && check_properties();
    case '"':
      return member != kProperties && check_text(member, names);
    default:
      return false;
  }
}

bool PlainRecords::check_text(unsigned member, Names& names) {
  std::string_view text;
  if (!take_string(text) || text.size() > (member == kEmail ? 128 : 256))
    return false;
  if (member != kUid && member != kId) {
    mergeable_ &= !text.empty();
    return unescapes(text);
  }
  // In escapes it would have to be kept until the line's end.
  (member == kUid ? names.uid : names.id) = text;
  return !text.empty() && is_plain(text);
}

bool PlainRecords::check_properties() {
  known_.begin_record();
  char token = take();
  if (token == '}')
    return take() != '\0';
  for (;; token = take()) {
    std::string_view name;
    if (token != '"' || !take_name(name) || values_ >= kMostProperties)
      return false;
    const auto found = known_.find(name);
    if (found == KnownNames::Found::unknown) {
      if (!is_property_name(name) || name.size() > kMostNameLength)
        return false;
      mergeable_ &= known_.add(name);
    } else if (found == KnownNames::Found::again) {
      mergeable_ = false;
    }
    if (!check_property(name, 0))
      return false;
    if (*at_ != ',')
      break;
  }
  return *at_ == '}' && take() != '\0';
}

/// Leaves the token behind the value taken.
bool PlainRecords::check_property(std::string_view name, std::size_t path_length) {
  ++values_;
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
  char token = take();
  if (token != '}') {
    for (;; token = take()) {
      std::string_view name;
      if (token != '"' || !take_name(name) || values_ >= kMostProperties || !is_property_name(name) ||
          path_length + name.size() > kMostNameLength || !check_property(name, path_length))
        return false;
      if (*at_ != ',')
        break;
    }
    if (*at_ != '}')
      return false;
  }
  --depth_;
  return take() != '\0';
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
  // As it stands it is no shorter than compact.
  return *at_ == ']' && static_cast<std::size_t>(at_ + 1 - begin) <= PropertyRules::kMostValueBytes &&
         take() != '\0';
}

}  // namespace usherd
