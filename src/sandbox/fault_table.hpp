#pragma once

#include "usherd/core/random.hpp"
#include "usherd/sandbox/fault.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::sandbox {

/// The fault rules in force and how often each matched and fired. Decides only; the server acts.
class FaultTable {
 public:
  /// Whether the request's body holds a user of this uid.
  using HoldsUid = std::function<bool(std::string_view)>;

  void add(std::vector<FaultRule> rules);
  void clear() { entries_.clear(); }

  /// The first rule of that moment that matches and fires. Rules that ask for a uid are passed over, and not
  /// counted, while `holds_uid` is empty; with `only_uid_rules` the others are, so that a moment may be asked
  /// twice.
  [[nodiscard]] std::optional<FaultRule> pick(FaultMoment moment, Call call, Random& random,
                                              const HoldsUid& holds_uid = {}, bool only_uid_rules = false);
  /// Whether any rule needs to know the uids of a body.
  [[nodiscard]] bool wants_uids() const;
  /// The rules with their counts, as a JSON array.
  [[nodiscard]] std::string json() const;

 private:
  struct Entry {
    FaultRule rule;
    std::uint64_t matched = 0;
    std::uint64_t fired = 0;
  };
  std::vector<Entry> entries_;
};

}  // namespace usherd::sandbox
