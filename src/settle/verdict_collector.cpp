#include "usherd/settle/verdict_collector.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace usherd {
namespace {

namespace json = boost::json;

/// Reasons kept apart; an API that words every message differently shares the code from there on.
constexpr std::size_t kMostReasons = 4096;
constexpr std::uint32_t kNoReason = 0xFFFF'FFFFU;

std::optional<json::value> parse(std::string_view text) {
  json::error_code failure;
  json::parse_options options;
  options.max_depth = 80;
  auto value = json::parse(json::string_view(text.data(), text.size()), failure, {}, options);
  if (failure)
    return std::nullopt;
  return value;
}

bool same_number(const json::value& a, const json::value& b) {
  if (!a.is_number() || !b.is_number())
    return false;
  if (!a.is_double() && !b.is_double())
    return a == b;
  return a.to_number<double>() == b.to_number<double>();
}

/// The server may add empty members and echo 1 as 1.0; what the record says must stand in the echo.
bool echoes(const json::value& sent, const json::value& echo) {
  if (same_number(sent, echo))
    return true;
  if (sent.is_object() && echo.is_object()) {
    for (const auto& member : sent.as_object()) {
      const auto* other = echo.as_object().if_contains(member.key());
      const bool empty =
          member.value().is_null() || (member.value().is_string() && member.value().as_string().empty());
      if (other == nullptr ? !empty : !echoes(member.value(), *other))
        return false;
    }
    return true;
  }
  if (sent.is_array() && echo.is_array()) {
    const auto& left = sent.as_array();
    const auto& right = echo.as_array();
    if (left.size() != right.size())
      return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (!echoes(left[i], right[i]))
        return false;
    }
    return true;
  }
  return sent == echo;
}

bool has_text(const json::object& object, std::string_view member, const std::string& text) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_string() &&
         std::string_view(value->as_string().data(), value->as_string().size()) == text;
}

}  // namespace

JobEnd judge(const JobAnswer& answer, std::uint64_t operations) {
  if (answer.errors > 0)
    return JobEnd::read_errors;
  if (answer.imports >= operations)
    return JobEnd::all_imported;
  if (answer.status == JobStatus::completed)
    return answer.imports_given ? JobEnd::read_errors : JobEnd::all_imported;
  return answer.imports == 0 ? JobEnd::failed_without_errors : JobEnd::read_errors;
}

VerdictCollector::VerdictCollector(Files& disk, BodyPaths paths, const BatchRow& row, const UserKeys& keys)
    : disk_(disk),
      paths_(std::move(paths)),
      manifest_(row.manifest),
      users_(row.users),
      keys_(keys),
      seen_(row.users.size(), Seen::nowhere),
      reason_of_(row.users.size(), kNoReason) {}

Result<void> VerdictCollector::find_operations() {
  if (operations_)
    return {};
  auto found = Operations::find(disk_, manifest_, paths_);
  if (!found)
    return found.error();
  operations_.emplace(std::move(*found));
  by_user_.reserve(users_.size());
  for (std::size_t i = 0; i < users_.size(); ++i)
    by_user_.emplace(users_[i], static_cast<std::uint32_t>(i));
  return {};
}

Result<bool> VerdictCollector::is_same(std::uint32_t index, const ResultItem& item) {
  const auto bytes = operations_->bytes(index);
  if (!bytes)
    return bytes.error();
  const auto record = parse(*bytes);
  if (!record || !record->is_object())
    return Error{Errc::corrupt, "a record of the batch is not what was sent"};
  const auto& object = record->as_object();
  if (item.uid && has_text(object, "uid", *item.uid))
    return true;
  if (item.id && !object.contains("uid") && has_text(object, "id", *item.id))
    return true;
  if (users_[index] != 0)
    return false;
  const auto user = parse(item.user_json);
  return user.has_value() && echoes(*record, *user);
}

Result<std::optional<std::uint32_t>> VerdictCollector::match(const ResultItem& item) {
  std::vector<std::uint64_t> keys;
  if (item.uid)
    keys.push_back(keys_.uid(*item.uid));
  if (item.id)
    keys.push_back(keys_.id(*item.id));
  keys.push_back(0);
  for (const auto key : keys) {
    const auto [first, last] = by_user_.equal_range(key);
    for (auto candidate = first; candidate != last; ++candidate) {
      const auto index = candidate->second;
      if (seen_[index] != Seen::nowhere)
        continue;
      const auto same = is_same(index, item);
      if (!same)
        return same.error();
      if (*same)
        return std::optional(index);
    }
  }
  return std::optional<std::uint32_t>();
}

std::uint32_t VerdictCollector::reason(const ResultItem& item) {
  std::string key = item.code + '\0' + item.message;
  if (reasons_.size() >= kMostReasons)
    key = item.code + '\0';
  const auto [place, added] =
      reason_index_.emplace(std::move(key), static_cast<std::uint32_t>(reasons_.size()));
  if (added)
    reasons_.push_back(Reason{item.code, item.message});
  return place->second;
}

Result<void> VerdictCollector::add_errors(const ResultPage& page) {
  if (auto found = find_operations(); !found)
    return found;
  for (const auto& item : page.items) {
    const auto index = match(item);
    if (!index)
      return index.error();
    if (!*index) {
      unmatched_ = true;
      continue;
    }
    seen_[**index] = Seen::rejected;
    reason_of_[**index] = reason(item);
    ++rejected_;
  }
  return {};
}

Result<void> VerdictCollector::add_imports(const ResultPage& page) {
  if (auto found = find_operations(); !found)
    return found;
  for (const auto& item : page.items) {
    const auto index = match(item);
    if (!index)
      return index.error();
    if (*index)
      seen_[**index] = Seen::imported;
  }
  return {};
}

bool VerdictCollector::is_complete(const JobAnswer& answer) const {
  if (unmatched_ || rejected_ != answer.errors)
    return false;
  // A count that was left out may be anything [proto3 JSON leaves 0 out].
  return !answer.imports_given || answer.imports + answer.errors == users_.size();
}

BatchVerdict VerdictCollector::verdict(const JobAnswer& answer) const {
  BatchVerdict verdict;
  verdict.reasons = reasons_;
  const bool complete = is_complete(answer);
  const auto unnamed = static_cast<std::uint32_t>(verdict.reasons.size());
  if (!complete)
    verdict.reasons.push_back(
        Reason{"no_verdict", "the job ended and names this record neither imported nor failed"});
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (seen_[i] == Seen::rejected)
      verdict.entries.push_back({index, OperationEnd::rejected, reason_of_[i]});
    else if (seen_[i] == Seen::nowhere && !complete)
      verdict.entries.push_back({index, OperationEnd::unknown, unnamed});
  }
  return verdict;
}

}  // namespace usherd
