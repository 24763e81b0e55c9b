#pragma once

#include <string_view>

namespace usherd {

/// The members that a record may have (api.md section 3): bits, so that one number tells which were seen.
struct RecordMember {
  enum Bit : unsigned {
    none = 0,
    uid = 1,
    id = 2,
    display_name = 4,
    email = 8,
    properties = 16,
    schema = 32
  };

  /// none where a record has no such member.
  [[nodiscard]] static Bit of(std::string_view name) {
    // No two are of one length.
    switch (name.size()) {
      case 2:
        return name == "id" ? id : none;
      case 3:
        return name == "uid" ? uid : none;
      case 5:
        return name == "email" ? email : none;
      case 6:
        return name == "schema" ? schema : none;
      case 10:
        return name == "properties" ? properties : none;
      case 12:
        return name == "display_name" ? display_name : none;
      default:
        return none;
    }
  }
};

}  // namespace usherd
