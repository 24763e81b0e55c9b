#include "src/sandbox/fault_table.hpp"

#include "src/sandbox/fault_words.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace usherd::sandbox {

FaultMoment moment_of(const FaultRule& rule) {
  if (rule.action <= FaultAction::redirect)
    return FaultMoment::arrival;
  if (rule.action == FaultAction::status && rule.proxy)
    return FaultMoment::arrival;
  return rule.action <= FaultAction::job_status ? FaultMoment::execution : FaultMoment::answer;
}

void FaultTable::add(std::vector<FaultRule> rules) {
  for (FaultRule& rule : rules) {
    Entry entry;
    entry.rule = std::move(rule);
    entries_.push_back(std::move(entry));
  }
}

bool FaultTable::wants_uids() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return !entry.rule.batch_contains_uid.empty(); });
}

std::optional<FaultRule> FaultTable::pick(FaultMoment moment, Call call, Random& random,
                                          const HoldsUid& holds_uid, bool only_uid_rules) {
  for (Entry& entry : entries_) {
    const FaultRule& rule = entry.rule;
    if (moment_of(rule) != moment || (rule.call && *rule.call != call))
      continue;
    const bool asks_uid = !rule.batch_contains_uid.empty();
    if (asks_uid ? !holds_uid || !holds_uid(rule.batch_contains_uid) : only_uid_rules)
      continue;
    if (entry.fired >= rule.times || entry.matched++ < rule.after)
      continue;
    if (rule.probability < 1 && random.unit() >= rule.probability)
      continue;
    ++entry.fired;
    return rule;
  }
  return std::nullopt;
}

std::string FaultTable::json() const {
  boost::json::array rules;
  for (const Entry& entry : entries_) {
    boost::json::object rule;
    rule["call"] = entry.rule.call ? name_of(*entry.rule.call) : "any";
    rule["action"] = word(entry.rule.action);
    rule["probability"] = entry.rule.probability;
    rule["after"] = entry.rule.after;
    if (entry.rule.times != ~0ULL)
      rule["times"] = entry.rule.times;
    if (!entry.rule.batch_contains_uid.empty())
      rule["batch_contains_uid"] = entry.rule.batch_contains_uid;
    if (entry.rule.action == FaultAction::status) {
      rule["code"] = entry.rule.code;
      rule["body"] = word(entry.rule.body);
      rule["layer"] = entry.rule.proxy ? "proxy" : "api";
    }
    if (!entry.rule.retry_after.empty())
      rule["retry_after"] = entry.rule.retry_after;
    rule["matched"] = entry.matched;
    rule["fired"] = entry.fired;
    rules.push_back(std::move(rule));
  }
  return boost::json::serialize(rules);
}

}  // namespace usherd::sandbox
