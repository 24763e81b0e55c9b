#include "src/sandbox/user_store.hpp"

#include "src/sandbox/property_merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace usherd::sandbox {
namespace {

namespace dom = simdjson::dom;

// Ids look random, need no index, and do not fit a double: base + (number * odd mod 2^32) * 2^20 + 1.
constexpr std::uint64_t kIdBase = 0x5800'0000'0000'0001ULL;
constexpr std::uint32_t kOdd = 0x9E37'79B1U;

constexpr std::uint32_t inverse_of(std::uint32_t odd) {
  std::uint32_t inverse = odd;
  for (int i = 0; i < 5; ++i)
    inverse *= 2 - odd * inverse;
  return inverse;
}
static_assert(kOdd * inverse_of(kOdd) == 1);

RecordFault fault(std::string_view code, std::string_view message) {
  return RecordFault{code, std::string(message)};
}

std::string_view type_in(const PropertyTypes* types, const std::string& path, dom::element value) {
  if (types != nullptr) {
    if (const auto found = types->declared.find(path); found != types->declared.end())
      return found->second;
  }
  return inferred_type(value);
}

}  // namespace

std::string UserStore::id_of(Number user) {
  return fmt::format("{}", kIdBase + (static_cast<std::uint64_t>(user * kOdd) << 20));
}

std::optional<UserStore::Number> UserStore::find_id(std::string_view id) const {
  std::uint64_t number = 0;
  const char* end = id.data() + id.size();
  const auto [rest, failure] = std::from_chars(id.data(), end, number);
  if (failure != std::errc{} || rest != end || number < kIdBase)
    return std::nullopt;
  const std::uint64_t scrambled = (number - kIdBase) >> 20;
  if (scrambled > 0xFFFF'FFFFULL || ((number - kIdBase) & 0xF'FFFFULL) != 0)
    return std::nullopt;
  const Number user = static_cast<std::uint32_t>(scrambled) * inverse_of(kOdd);
  if (user >= users_.size() || users_[user].deleted)
    return std::nullopt;
  return user;
}

std::optional<UserStore::Number> UserStore::find_uid(std::string_view uid) const {
  const auto found = by_uid_.find(uid);
  return found == by_uid_.end() ? std::nullopt : std::optional<Number>(found->second);
}

UserStore::Number UserStore::make() {
  users_.emplace_back();
  ++living_;
  return static_cast<Number>(users_.size() - 1);
}

UserStore::Applied UserStore::target_of(const RecordView& record) {
  Applied target;
  const auto by_uid = record.uid ? find_uid(*record.uid) : std::nullopt;
  if (!record.id) {
    target.user = by_uid ? *by_uid : make();
    return target;
  }
  const auto by_id = find_id(*record.id);
  if (!by_id) {
    target.fault = fault("resource_not_found", "The provided id belongs to no user");
  } else if (record.uid && ((by_uid && *by_uid != *by_id) ||
                            (users_[*by_id].identified && users_[*by_id].uid != *record.uid))) {
    target.fault = fault("invalid_parameter", "The uid of a user can not be changed");
  } else {
    target.user = *by_id;
  }
  return target;
}

UserStore::Applied UserStore::apply(const RecordView& record, const Settings& settings) {
  Applied target = target_of(record);
  if (target.fault)
    return target;
  User& user = users_[target.user];
  if (record.uid && !user.identified) {
    user.uid = std::string(*record.uid);
    user.identified = true;
    by_uid_.emplace(user.uid, target.user);
  }
  write(user, record, settings);
  return target;
}

void UserStore::write(User& user, const RecordView& record, const Settings& settings) {
  ++user.updates;
  if (record.display_name)
    user.display_name = std::string(*record.display_name);
  if (record.email)
    user.email = std::string(*record.email);
  // What the stored values were declared as is asked for after the record's own declarations are in.
  PropertyTypes before;
  if (user.types)
    before.declared = user.types->declared;
  if (record.schema) {
    if (!user.types)
      user.types = std::make_unique<PropertyTypes>();
    declare(*user.types, *record.schema);
  }
  if (record.properties)
    write_properties(user, record, before, settings);
}

void UserStore::write_properties(User& user, const RecordView& record, const PropertyTypes& before,
                                 const Settings& settings) {
  const MergeRules rules{settings.merge, settings.nulls};
  std::optional<dom::object> stored;
  if (user.properties != "{}") {
    dom::object object;
    if (stored_parser_.parse(user.properties).get(object) == simdjson::SUCCESS)
      stored = object;
  }
  const Overwritten overwritten = [&](const std::string& path, dom::element was, dom::element is) {
    const std::string_view old_type = type_in(&before, path, was);
    const std::string_view new_type = type_in(user.types.get(), path, is);
    if (old_type == new_type)
      return;
    if (!user.types)
      user.types = std::make_unique<PropertyTypes>();
    auto& seen = user.types->conflicts[path];
    seen.emplace(old_type);
    seen.emplace(new_type);
  };
  user.properties = merge_properties(stored, *record.properties, rules, overwritten);
  user.properties.shrink_to_fit();
}

void UserStore::remove(Number number) {
  User& user = users_[number];
  if (user.deleted)
    return;
  if (user.identified)
    by_uid_.erase(user.uid);
  user = User();
  user.deleted = true;
  --living_;
}

std::vector<UserStore::Number> UserStore::sorted() const {
  std::vector<Number> numbers;
  numbers.reserve(living_);
  for (Number user = 0; user < end(); ++user) {
    if (!users_[user].deleted)
      numbers.push_back(user);
  }
  std::sort(numbers.begin(), numbers.end(), [this](Number left, Number right) {
    const User& a = users_[left];
    const User& b = users_[right];
    if (a.identified != b.identified)
      return a.identified;
    return a.identified ? a.uid < b.uid : left < right;
  });
  return numbers;
}

void UserStore::clear() {
  by_uid_.clear();
  users_.clear();
  living_ = 0;
}

}  // namespace usherd::sandbox
