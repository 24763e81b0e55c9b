#include "usherd/batch/merge.hpp"

#include "src/batch/flat_record.hpp"
#include "usherd/validate/record.hpp"

namespace usherd {
namespace {

// api.md section 3.
constexpr std::size_t kMostProperties = 500;
// {"display_name":,"email":,"properties":{}} and a comma each, with room to spare.
constexpr std::size_t kMemberBytes = 64;

/// "name":value and a comma.
std::size_t property_bytes(std::string_view name, std::string_view value) {
  return name.size() + value.size() + 4;
}

void replace(std::string& kept, std::string_view newer) {
  if (!newer.empty())
    kept = newer;
}

}  // namespace

bool RecordMerger::add(std::string_view text) {
  const auto record = parse_flat_record(text);
  if (!record)
    return false;
  const auto quoted = record->uid.empty() ? record->id : record->uid;
  const bool by_uid = !record->uid.empty();
  auto user = unescape(quoted);
  if (count_ > 0 && (by_uid != by_uid_ || user != user_))
    return false;
  if (count_ == 0)
    user_text_ = quoted;
  if (!fits(*record))
    return false;
  by_uid_ = by_uid;
  user_ = std::move(user);
  replace(display_name_, record->display_name);
  replace(email_, record->email);
  has_properties_ |= record->has_properties;
  take_properties(*record);
  ++count_;
  return true;
}

bool RecordMerger::fits(const FlatRecord& record) const {
  auto properties = properties_.size();
  auto bytes = property_bytes_;
  for (const auto& incoming : record.properties) {
    bytes += property_bytes(incoming.name, incoming.value);
    const auto found = by_name_.find(incoming.name);
    if (found == by_name_.end()) {
      ++properties;
      continue;
    }
    const auto& kept = properties_[found->second];
    if (kept.type != incoming.type || kept.type == ValueType::unclear)
      return false;
    bytes -= property_bytes(kept.name, kept.value);
  }
  const auto size_of = [](std::string_view kept, std::string_view newer) {
    return (newer.empty() ? kept : newer).size();
  };
  bytes += user_text_.size() + size_of(display_name_, record.display_name) + size_of(email_, record.email);
  return properties <= kMostProperties && bytes + kMemberBytes <= kMostRecordBytes;
}

void RecordMerger::take_properties(const FlatRecord& record) {
  for (const auto& incoming : record.properties) {
    const auto [found, added] = by_name_.try_emplace(incoming.name, properties_.size());
    property_bytes_ += property_bytes(incoming.name, incoming.value);
    if (added) {
      properties_.push_back({incoming.name, std::string(incoming.value), incoming.type});
      continue;
    }
    auto& kept = properties_[found->second];
    property_bytes_ -= property_bytes(kept.name, kept.value);
    kept.value = incoming.value;
  }
}

std::string RecordMerger::line() const {
  std::string out;
  out.reserve(property_bytes_ + user_text_.size() + display_name_.size() + email_.size() + kMemberBytes);
  out.append(by_uid_ ? "{\"uid\":" : "{\"id\":").append(user_text_);
  if (!display_name_.empty())
    out.append(",\"display_name\":").append(display_name_);
  if (!email_.empty())
    out.append(",\"email\":").append(email_);
  if (has_properties_) {
    out.append(",\"properties\":{");
    for (const auto& property : properties_) {
      out.append(&property == properties_.data() ? "\"" : ",\"").append(property.name).append("\":");
      out.append(property.value);
    }
    out += '}';
  }
  return out += '}';
}

std::optional<std::string> merge_records(std::span<const std::string_view> records) {
  RecordMerger merger;
  for (const auto record : records) {
    if (!merger.add(record))
      return std::nullopt;
  }
  if (merger.count() == 0)
    return std::nullopt;
  return merger.line();
}

}  // namespace usherd
