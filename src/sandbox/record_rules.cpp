#include "src/sandbox/record_rules.hpp"

#include "src/sandbox/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace usherd::sandbox {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kInvalid = "invalid_parameter";

RecordFault fault(std::string message) {
  return RecordFault{kInvalid, std::move(message)};
}

std::size_t length_in(LengthUnit unit, std::string_view text) {
  if (unit == LengthUnit::bytes)
    return text.size();
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

std::optional<RecordFault> check_length(std::string_view name, const std::optional<std::string_view>& value,
                                        std::size_t most, LengthUnit unit) {
  if (!value || value->size() <= most || length_in(unit, *value) <= most)
    return std::nullopt;
  return fault(fmt::format("The provided {} parameter is longer than {}", name, most));
}

bool is_name(std::string_view name) {
  const auto is_alpha = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  const auto is_inner = [&](char c) { return is_alpha(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && is_alpha(name.front()) && std::all_of(name.begin(), name.end(), is_inner);
}

/// One walk over the properties of a record, counting those that hold a value.
class PropertyWalk {
 public:
  explicit PropertyWalk(const Settings& settings) : settings_(settings) {}

  std::optional<RecordFault> object(dom::object object, std::size_t prefix) {
    for (const dom::key_value_pair member : object) {
      if (auto wrong = property(member.key, member.value, prefix))
        return wrong;
    }
    return std::nullopt;
  }

 private:
  std::optional<RecordFault> property(std::string_view name, dom::element value, std::size_t prefix) {
    if (!is_name(name))
      return fault("A property name must match [A-Za-z][A-Za-z0-9_]*");
    const std::size_t length = prefix + name.size();
    if (length > kMostNameLength)
      return fault(fmt::format("A property name is longer than {}", kMostNameLength));
    // An empty object counts as a value, so that no walk here or later is longer than the limit.
    if (value.is_object() && value.get_object().value_unsafe().size() > 0)
      return object(value.get_object().value_unsafe(), length + 1);
    if (++count_ > kMostProperties)
      return fault(fmt::format("More than {} properties", kMostProperties));
    if (value.is_array()) {
      // Named first: a range over the temporary result would outlive it.
      const dom::array items = value.get_array().value_unsafe();
      for (const dom::element item : items) {
        if (item.is_object() || item.is_array())
          return fault("An array of objects is not supported");
      }
    }
    if (value.is_null() && settings_.nulls == Nulls::reject)
      return fault("A property is null");
    if (settings_.oversized_value == OversizedValue::reject && value_bytes(value) > kMostValueBytes)
      return fault(fmt::format("A property value is larger than {} bytes", kMostValueBytes));
    return std::nullopt;
  }

  const Settings& settings_;
  std::size_t count_ = 0;
};

}  // namespace

std::optional<RecordFault> check_record(const RecordView& record, const Settings& settings) {
  if (!record.wrong_type.empty())
    return fault(fmt::format("The provided {} parameter has the wrong type", record.wrong_type));
  if (settings.unknown_members == UnknownMembers::reject && !record.unknown.empty())
    return fault("Unknown field");
  if (record.uid && record.uid->empty())
    return fault("The provided uid parameter can not be empty");
  if (!settings.reject_uids_with.empty() && record.uid &&
      record.uid->find(settings.reject_uids_with) != std::string_view::npos)
    return RecordFault{settings.record_error_code, "The provided uid parameter is refused by a setting"};
  if (auto wrong = check_length("uid", record.uid, 256, settings.length_unit))
    return wrong;
  if (auto wrong = check_length("display_name", record.display_name, 256, settings.length_unit))
    return wrong;
  if (auto wrong = check_length("email", record.email, 128, settings.length_unit))
    return wrong;
  if (record.properties)
    return PropertyWalk(settings).object(*record.properties, 0);
  return std::nullopt;
}

}  // namespace usherd::sandbox
