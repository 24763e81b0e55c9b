#pragma once

#include "src/validate/fault.hpp"
#include "src/validate/property_rules.hpp"
#include "src/validate/record_members.hpp"
#include "src/validate/tape.hpp"
#include "usherd/validate/record.hpp"
#include "usherd/validate/user_keys.hpp"

#include <simdjson.h>

#include <cstddef>
#include <string_view>
#include <utility>

namespace usherd {

/// Checks one record after the other against every rule. Owns its parser; keeps no reference to what it
/// checked.
class RecordChecker {
 public:
  RecordChecker(RecordRules rules, const UserKeys& keys);

  /// Fills user, second, length and flags of `record`. At least simdjson::SIMDJSON_PADDING bytes behind
  /// `text` must be readable; what they hold does not matter. False: take_fault() says why.
  bool check(const char* text, std::size_t length, Record& record);
  [[nodiscard]] Fault take_fault() { return std::exchange(fault_, {}); }

 private:
  using Member = RecordMember::Bit;
  using enum RecordMember::Bit;
  struct Names {
    std::string_view uid;
    std::string_view id;
    unsigned seen = 0;
    bool mergeable = true;
  };

  bool parse(const char* text, std::size_t length);
  void grow(std::size_t length);
  bool check_members(const Tape& tape, Names& names);
  bool check_member(const Tape& tape, std::size_t value, Member member, Names& names);
  bool check_object_member(const Tape& tape, std::size_t value, Member member, Names& names);
  bool check_text(std::string_view text, Member member, Names& names);

  RecordRules rules_;
  UserKeys keys_;
  simdjson::dom::parser parser_;
  PropertyRules property_rules_;
  Fault fault_;
};

}  // namespace usherd
