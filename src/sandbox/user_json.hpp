#pragma once

#include "src/sandbox/json_fields.hpp"
#include "src/sandbox/user_store.hpp"

#include <string>
#include <string_view>

namespace usherd::sandbox {

/// A user as the API answers it. `include_schema` adds schema and type_conflicts.
[[nodiscard]] std::string user_json(const UserStore& users, UserStore::Number number, bool include_schema,
                                    const Quirks& quirks, Random& random);

/// The id that is answered for a user that is not stored, always the same for the same key.
[[nodiscard]] std::string unstored_id(std::string_view key);

/// A user as the oracle tells it: always the same members, in the same order.
[[nodiscard]] std::string oracle_user_json(const UserStore& users, UserStore::Number number);

}  // namespace usherd::sandbox
