#include "src/validate/property_rules.hpp"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace usherd {
namespace {

template <class Number>
std::size_t printed_length(Number number) {
  std::array<char, 32> text;
  return static_cast<std::size_t>(std::to_chars(text.begin(), text.end(), number).ptr - text.begin());
}

/// Of the shortest form that JSON has for it, so that no number counts for more than is sent.
std::size_t shortest_length(double number) {
  std::array<char, 32> text;
  const auto* const end =
      std::to_chars(text.begin(), text.end(), std::abs(number), std::chars_format::scientific).ptr;
  const auto* const mark = std::find<const char*>(text.begin(), end, 'e');
  const auto digits = mark - text.begin() == 1 ? 1 : mark - text.begin() - 1;
  std::ptrdiff_t exponent = 0;
  std::from_chars(mark + (mark[1] == '+' ? 2 : 1), end, exponent);
  const auto sign = std::signbit(number) ? 1 : 0;
  const auto moved = exponent - digits + 1;  // that of the digits as a whole number
  const auto plain = moved >= 0 ? digits + moved : exponent >= 0 ? digits + 1 : digits + 1 - exponent;
  const auto short_form = digits + 1 + static_cast<std::ptrdiff_t>(printed_length(moved));
  return static_cast<std::size_t>(sign + std::min(plain, short_form));
}

/// Bytes of a scalar as compact JSON, strings without escapes.
std::size_t compact_length(const Tape& tape, std::size_t place) {
  switch (tape.kind(place)) {
    case TapeKind::string:
      return tape.string(place).size() + 2;
    case TapeKind::int64:
      return printed_length(tape.number<std::int64_t>(place));
    case TapeKind::uint64:
      return printed_length(tape.number<std::uint64_t>(place));
    case TapeKind::real:
      return shortest_length(tape.number<double>(place));
    case TapeKind::no:
      return 5;
    default:
      return 4;
  }
}

std::size_t compact_array_length(const Tape& tape, std::size_t place) {
  std::size_t length = 2;
  for (auto at = place + 1; tape.kind(at) != TapeKind::array_end; at = tape.after(at))
    length += compact_length(tape, at) + 1;
  return length - (length > 2 ? 1 : 0);
}

/// Numbers of every kind are one JSON type, and so are true and false.
TapeKind type_of(TapeKind kind) {
  if (is_number(kind))
    return TapeKind::real;
  return is_bool(kind) ? TapeKind::yes : kind;
}

}  // namespace

bool PropertyRules::check(const Tape& tape, std::size_t place, bool& mergeable, Fault& fault) {
  depth_ = 0;
  values_ = 0;
  mergeable_ = mergeable;
  known_.begin_object();
  for (auto at = place + 1; tape.kind(at) != TapeKind::object_end; at = tape.after(at + 1)) {
    const auto name = tape.string(at);
    if (!check_own_name(name, fault) || !check_value(tape, at + 1, name, 0, fault))
      return false;
  }
  mergeable = mergeable_;
  return values_ <= kMostProperties || check_count(tape, place, fault);
}

/// Of a property that is not nested.
bool PropertyRules::check_own_name(std::string_view name, Fault& fault) {
  if (values_ > kMostProperties) {
    // Too many to tell them apart: unless most of them repeat, the record is refused anyway.
    mergeable_ = false;
    return check_name(name, 0, fault);
  }
  const auto found = known_.find(name);
  if (found == KnownNames::Found::unknown) {
    if (!check_name(name, 0, fault))
      return false;
    mergeable_ &= known_.add(name);
  } else if (found == KnownNames::Found::again) {
    mergeable_ = false;
  }
  return true;
}

/// `path_length` is that of the parents and the dots behind them.
bool PropertyRules::check_value(const Tape& tape, std::size_t value, std::string_view name,
                                std::size_t path_length, Fault& fault) {
  ++values_;
  switch (tape.kind(value)) {
    case TapeKind::string: {
      const auto size = tape.string(value).size();
      mergeable_ &= size != 0;
      return size <= kMostValueBytes || too_large(name, size, fault);
    }
    case TapeKind::array:
      return check_array(tape, value, name, fault);
    case TapeKind::object:
      mergeable_ = false;
      return check_nested(tape, value, name, path_length, fault);
    case TapeKind::null:
      mergeable_ = false;
      return true;
    default:
      return true;
  }
}

bool PropertyRules::check_nested(const Tape& tape, std::size_t value, std::string_view name,
                                 std::size_t path_length, Fault& fault) {
  if (depth_ == kMostDepth)
    return fault.set(
        "nesting_too_deep",
        fmt::format("property {} is nested deeper than {} objects: flatten it", path_to(name), kMostDepth));
  parents_[depth_++] = name;
  path_length += name.size() + 1;
  for (auto at = value + 1; tape.kind(at) != TapeKind::object_end; at = tape.after(at + 1)) {
    const auto inner = tape.string(at);
    if (!check_name(inner, path_length, fault) || !check_value(tape, at + 1, inner, path_length, fault))
      return false;
  }
  --depth_;
  return true;
}

bool PropertyRules::too_large(std::string_view name, std::size_t size, Fault& fault) const {
  return fault.set("property_value_too_large",
                   fmt::format("property {} has a value of {} bytes: shorten it to {}", path_to(name), size,
                               kMostValueBytes));
}

bool PropertyRules::check_name(std::string_view name, std::size_t path_length, Fault& fault) const {
  if (!is_property_name(name))
    return fault.set(
        "property_name_invalid",
        fmt::format(
            "property name {} must be a letter followed by letters, digits and underscores: rename it",
            path_to(name)));
  if (path_length + name.size() > kMostNameLength)
    return fault.set("property_name_too_long",
                     fmt::format("property {} has {} characters with its parents and dots: shorten it to {}",
                                 path_to(name), path_length + name.size(), kMostNameLength));
  return true;
}

bool PropertyRules::check_array(const Tape& tape, std::size_t place, std::string_view name, Fault& fault) {
  // Longer than any printed number: most arrays need no exact length.
  constexpr std::size_t kMostNumber = 26;
  auto most = std::size_t{2};
  auto at = place + 1;
  const auto type = type_of(tape.kind(at));
  mergeable_ &= type != TapeKind::array_end;
  for (; tape.kind(at) != TapeKind::array_end; at = tape.after(at)) {
    const auto kind = tape.kind(at);
    if (kind == TapeKind::object)
      return fault.set("array_of_objects",
                       fmt::format("property {} is an array that holds an object: the API takes arrays of "
                                   "strings, numbers or booleans",
                                   path_to(name)));
    if (kind == TapeKind::array)
      return fault.set("nested_array",
                       fmt::format("property {} is an array that holds an array: the API takes arrays of "
                                   "strings, numbers or booleans",
                                   path_to(name)));
    mergeable_ &= kind != TapeKind::null && type_of(kind) == type;
    if (kind == TapeKind::string) {
      const auto size = tape.string(at).size();
      mergeable_ &= size != 0;
      most += size + 3;
    } else {
      most += kMostNumber;
    }
  }
  if (most <= kMostValueBytes)
    return true;
  const auto length = compact_array_length(tape, place);
  if (length <= kMostValueBytes)
    return true;
  return too_large(name, length, fault);
}

bool PropertyRules::check_count(const Tape& tape, std::size_t place, Fault& fault) {
  path_.clear();
  path_hashes_.clear();
  collect_paths(tape, place);
  std::sort(path_hashes_.begin(), path_hashes_.end());
  const auto unique =
      static_cast<std::size_t>(std::unique(path_hashes_.begin(), path_hashes_.end()) - path_hashes_.begin());
  if (unique <= kMostProperties)
    return true;
  return fault.set("too_many_properties",
                   fmt::format("the record has {} properties, nested ones counted singly: send at most {}",
                               unique, kMostProperties));
}

void PropertyRules::collect_paths(const Tape& tape, std::size_t place) {
  const auto parent = path_.size();
  for (auto at = place + 1; tape.kind(at) != TapeKind::object_end; at = tape.after(at + 1)) {
    path_.append(tape.string(at));
    if (tape.kind(at + 1) == TapeKind::object && tape.kind(at + 2) != TapeKind::object_end) {
      path_ += '.';
      collect_paths(tape, at + 1);
    } else {
      path_hashes_.push_back(XXH3_64bits(path_.data(), path_.size()));
    }
    path_.resize(parent);
  }
}

std::string PropertyRules::path_to(std::string_view name) const {
  std::string path;
  for (std::size_t i = 0; i < depth_; ++i)
    path.append(parents_[i]).append(1, '.');
  return shown(path.append(name));
}

}  // namespace usherd
