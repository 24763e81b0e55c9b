#pragma once

#include "src/sandbox/property_types.hpp"
#include "src/sandbox/record_rules.hpp"
#include "src/sandbox/record_view.hpp"
#include "usherd/sandbox/settings.hpp"

#include <simdjson.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::sandbox {

/// A user as the API knows it. `properties` is compact JSON.
struct User {
  std::string uid;
  std::string display_name;
  std::string email;
  std::string properties = "{}";
  std::unique_ptr<PropertyTypes> types;  ///< only where a type was declared or changed
  std::uint32_t updates = 0;
  bool identified = false;
  bool deleted = false;
};

/// The organisation's users: upserted by uid, else by FullStory id, else made anew. Numbers of users stay
/// valid for ever; references to users too.
class UserStore {
 public:
  using Number = std::uint32_t;

  struct Applied {
    Number user = 0;
    std::optional<RecordFault> fault;  ///< set: nothing was changed
  };

  /// Applies a record that passed check_record(). Fails where id and uid name two users, or the id none.
  [[nodiscard]] Applied apply(const RecordView& record, const Settings& settings);
  [[nodiscard]] std::optional<Number> find_uid(std::string_view uid) const;
  [[nodiscard]] std::optional<Number> find_id(std::string_view id) const;
  [[nodiscard]] const User& at(Number user) const { return users_[user]; }
  void remove(Number user);
  [[nodiscard]] std::size_t size() const { return living_; }
  /// Users ever made, deleted ones included: numbers run from 0 to this.
  [[nodiscard]] Number end() const { return static_cast<Number>(users_.size()); }
  /// Living users by uid, the anonymous ones after them by number.
  [[nodiscard]] std::vector<Number> sorted() const;
  void clear();

  /// The FullStory id of a user: decimal, above 2^53.
  [[nodiscard]] static std::string id_of(Number user);

 private:
  [[nodiscard]] Applied target_of(const RecordView& record);
  Number make();
  void write(User& user, const RecordView& record, const Settings& settings);
  void write_properties(User& user, const RecordView& record, const PropertyTypes& before,
                        const Settings& settings);

  std::deque<User> users_;
  boost::unordered_flat_map<std::string_view, Number> by_uid_;  // views into users_
  std::size_t living_ = 0;
  simdjson::dom::parser stored_parser_;
};

}  // namespace usherd::sandbox
