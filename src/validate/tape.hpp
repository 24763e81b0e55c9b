#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace usherd {

// The layout below is that of simdjson 3; tests/unit/validate/tape_test.cpp compares it with the public
// iterators.
static_assert(simdjson::SIMDJSON_VERSION_MAJOR == 3, "check Tape against this simdjson's tape");

/// What an entry of the tape stands for; the values are simdjson's own.
enum class TapeKind : std::uint8_t {
  array = '[',
  array_end = ']',
  object = '{',
  object_end = '}',
  string = '"',
  int64 = 'l',
  uint64 = 'u',
  real = 'd',
  yes = 't',
  no = 'f',
  null = 'n',
};

[[nodiscard]] constexpr bool is_number(TapeKind kind) {
  return kind == TapeKind::int64 || kind == TapeKind::uint64 || kind == TapeKind::real;
}
[[nodiscard]] constexpr bool is_bool(TapeKind kind) {
  return kind == TapeKind::yes || kind == TapeKind::no;
}

/// A parsed document read straight from simdjson's tape: a walk costs a third of what the public iterators
/// cost. The document must outlive it. A place is an index into the tape; members of an object stand as name,
/// value, name, value ... up to an object_end. Nothing is checked: only places that a walk from kRoot reaches
/// may be asked for.
class Tape {
 public:
  static constexpr std::size_t kRoot = 1;

  explicit Tape(const simdjson::dom::document& document)
      : entries_(document.tape.get()), strings_(document.string_buf.get()) {}

  [[nodiscard]] TapeKind kind(std::size_t place) const {
    return static_cast<TapeKind>(entries_[place] >> 56);
  }

  /// Of a string or a member's name, unescaped. At least eight more bytes can be read behind it.
  [[nodiscard]] std::string_view string(std::size_t place) const {
    const auto* at = strings_ + (entries_[place] & simdjson::internal::JSON_VALUE_MASK);
    std::uint32_t length = 0;
    std::memcpy(&length, at, sizeof length);
    return {reinterpret_cast<const char*>(at + sizeof length), length};
  }

  template <class Number>
  [[nodiscard]] Number number(std::size_t place) const {
    static_assert(sizeof(Number) == sizeof(std::uint64_t));
    Number value;
    std::memcpy(&value, &entries_[place + 1], sizeof value);
    return value;
  }

  /// The place behind a value.
  [[nodiscard]] std::size_t after(std::size_t place) const {
    const auto what = kind(place);
    if (what == TapeKind::array || what == TapeKind::object)
      return static_cast<std::uint32_t>(entries_[place]);
    return place + (is_number(what) ? 2 : 1);
  }

 private:
  const std::uint64_t* entries_;
  const std::uint8_t* strings_;
};

}  // namespace usherd
