#include "src/validate/property_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace usherd {
namespace {

constexpr std::array<std::string_view, 10> kDeclaredTypes = {"bool", "bools", "date",  "dates", "int",
                                                             "ints", "real",  "reals", "str",   "strs"};

bool is_selector(std::string_view selector) {
  for (;;) {
    const auto dot = selector.find('.');
    if (!is_property_name(selector.substr(0, dot)))
      return false;
    if (dot == std::string_view::npos)
      return true;
    selector.remove_prefix(dot + 1);
  }
}

bool is_type(std::string_view type) {
  return std::find(kDeclaredTypes.begin(), kDeclaredTypes.end(), type) != kDeclaredTypes.end();
}

bool check_declaration(const Tape& tape, std::size_t place, Fault& fault) {
  const auto selector = tape.string(place);
  if (!is_selector(selector))
    return fault.set(
        "schema_selector_invalid",
        fmt::format("schema selector {} must be a property name or names joined by dots", shown(selector)));
  if (selector.size() > kMostNameLength)
    return fault.set("schema_selector_too_long",
                     fmt::format("schema selector {} has {} characters: shorten it to {}", shown(selector),
                                 selector.size(), kMostNameLength));
  const bool text = tape.kind(place + 1) == TapeKind::string;
  if (text && is_type(tape.string(place + 1)))
    return true;
  return fault.set(
      "schema_type_unknown",
      fmt::format("schema of {} must be one of bool bools date dates int ints real reals str strs{}",
                  shown(selector), text ? ", not " + shown(tape.string(place + 1)) : ""));
}

}  // namespace

bool is_declaration(std::string_view selector, std::string_view type) {
  return is_type(type) && selector.size() <= kMostNameLength && is_selector(selector);
}

bool check_schema(const Tape& tape, std::size_t place, Fault& fault) {
  for (auto at = place + 1; tape.kind(at) != TapeKind::object_end; at = tape.after(at + 1)) {
    if (tape.string(at) != "properties")
      return fault.set(
          "schema_member_unknown",
          fmt::format("schema member {} is unknown: schema holds only properties", shown(tape.string(at))));
    const auto value = at + 1;
    if (tape.kind(value) == TapeKind::null)
      continue;
    if (tape.kind(value) != TapeKind::object)
      return fault.set("wrong_type", "schema.properties must be an object of property names and their types");
    for (auto member = value + 1; tape.kind(member) != TapeKind::object_end;
         member = tape.after(member + 1)) {
      if (!check_declaration(tape, member, fault))
        return false;
    }
  }
  return true;
}

}  // namespace usherd
