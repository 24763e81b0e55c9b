#include "src/validate/record_checker.hpp"

#include "src/validate/parse_fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <new>

namespace usherd {
namespace {

constexpr std::size_t kFirstCapacity = 64U << 10;

// In the order of RecordMember::Bit.
constexpr std::string_view kNames[] = {"uid", "id", "display_name", "email", "properties", "schema"};
constexpr std::string_view kTooLong[] = {"uid_too_long", "id_too_long", "display_name_too_long",
                                         "email_too_long"};

std::string_view name_of(unsigned member) {
  return kNames[std::countr_zero(member)];
}
std::string_view too_long_code(unsigned member) {
  return kTooLong[std::countr_zero(member)];
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

RecordChecker::RecordChecker(RecordRules rules, const UserKeys& keys)
    : rules_(rules), keys_(keys), parser_(kMostRecordBytes) {}

bool RecordChecker::check(const char* text, std::size_t length, Record& record) {
  if (!parse(text, length))
    return false;
  const Tape tape(parser_.doc);
  if (tape.kind(Tape::kRoot) != TapeKind::object)
    return fault_.set("not_an_object",
                      "a record must be a JSON object: write {\"uid\":...,\"properties\":{...}}");
  Names names;
  if (!check_members(tape, names))
    return false;
  const bool has_uid = names.uid.data() != nullptr;
  const bool has_id = names.id.data() != nullptr;
  if (!has_uid && !has_id && !rules_.accept_anonymous)
    return fault_.set(
        "anonymous",
        "the record has neither uid nor id and would make a new user at each delivery: add a uid, or set "
        "records.anonymous: accept");
  record.user = has_uid ? keys_.uid(names.uid) : has_id ? keys_.id(names.id) : 0;
  record.second = has_uid && has_id ? keys_.id(names.id) : 0;
  record.length = static_cast<std::uint32_t>(length);
  record.flags = names.mergeable && has_uid != has_id ? kMergeable : 0;
  return true;
}

bool RecordChecker::parse(const char* text, std::size_t length) {
  if (length > parser_.capacity() || length > parser_.doc.capacity())
    grow(length);
  const auto error = parser_.parse(text, length, false).error();
  return error == simdjson::SUCCESS || explain_parse_fault({text, length}, error, fault_);
}

void RecordChecker::grow(std::size_t length) {
  // By doubling, so that ever longer lines do not make it allocate for each.
  const auto capacity = std::max(kFirstCapacity, std::bit_ceil(length));
  if (parser_.doc.allocate(capacity) != simdjson::SUCCESS || parser_.allocate(capacity) != simdjson::SUCCESS)
    throw std::bad_alloc();
}

bool RecordChecker::check_members(const Tape& tape, Names& names) {
  for (auto at = Tape::kRoot + 1; tape.kind(at) != TapeKind::object_end; at = tape.after(at + 1)) {
    const auto name = tape.string(at);
    const auto member = RecordMember::of(name);
    if (member == none)
      return fault_.set(
          "unknown_member",
          fmt::format("member {} is unknown: a record has uid, id, display_name, email, properties and "
                      "schema; put your own values into properties",
                      shown(name)));
    if ((names.seen & member) != 0)
      return fault_.set("repeated_member", fmt::format("member {} stands twice: keep one", name));
    names.seen |= member;
    if (!check_member(tape, at + 1, member, names))
      return false;
  }
  return true;
}

bool RecordChecker::check_member(const Tape& tape, std::size_t value, Member member, Names& names) {
  const auto kind = tape.kind(value);
  if (kind == TapeKind::null) {
    names.mergeable = false;
    return true;
  }
  if (member == properties || member == schema)
    return check_object_member(tape, value, member, names);
  if (kind != TapeKind::string)
    return fault_.set("wrong_type", fmt::format("{} must be a string: put it into quotes", name_of(member)));
  const auto text = tape.string(value);
  if (!check_text(text, member, names))
    return false;
  if (member == uid)
    names.uid = text;
  if (member == id)
    names.id = text;
  return true;
}

bool RecordChecker::check_object_member(const Tape& tape, std::size_t value, Member member, Names& names) {
  if (tape.kind(value) != TapeKind::object)
    return fault_.set("wrong_type", fmt::format("{} must be an object", name_of(member)));
  if (member == properties)
    return property_rules_.check(tape, value, names.mergeable, fault_);
  names.mergeable = false;
  return check_schema(tape, value, fault_);
}

bool RecordChecker::check_text(std::string_view text, Member member, Names& names) {
  const std::size_t most = member == email ? 128 : 256;
  if (text.size() > most) {
    const auto length = code_points(text);
    if (length > most)
      return fault_.set(too_long_code(member),
                        fmt::format("{} has {} characters: shorten it to {}", name_of(member), length, most));
  }
  if (text.empty()) {
    if (member == uid)
      return fault_.set("empty_uid", "uid is empty: give the user's uid, or leave the member out");
    if (member == id)
      return fault_.set("empty_id", "id is empty: give the FullStory user id, or leave the member out");
    names.mergeable = false;
  }
  if (member == uid && text.find('\0') != std::string_view::npos)
    return fault_.set("nul_in_uid", "uid holds a NUL character (\\u0000): remove it");
  return true;
}

}  // namespace usherd
