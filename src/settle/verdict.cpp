#include "usherd/settle/verdict.hpp"

#include "src/settle/user_content.hpp"
#include "usherd/batch/operations.hpp"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

namespace usherd {
namespace {

// How an operation ended: what JobVerdict::ends_ holds.
constexpr std::uint32_t kNone = 0;
constexpr std::uint32_t kImported = 1;
constexpr std::uint32_t kRejected = 2;

/// Past this many bytes of codes and messages, further new messages are left out.
constexpr std::size_t kMostReasonBytes = 2U << 20;

/// What a longer record says is kept: to read it at each item that names it would take minutes a page.
constexpr std::size_t kLongRecord = 4096;

std::string given(const std::optional<std::string>& name) {
  return name.value_or("");
}

/// Whether a record is the user that an item names. The uid rules: the API may give a user another id.
template <class Record>
bool is_named(const Record& record, const ResultItem& item) {
  const auto uid = given(item.uid);
  if (!uid.empty() && !record.uid.empty())
    return uid == record.uid;
  return !record.id.empty() && record.id == given(item.id);
}

bool accounts_for_all(const JobAnswer& answer, std::uint64_t operations) {
  if (answer.errors > operations)
    return false;
  if (answer.imports_given)
    return answer.imports == operations - answer.errors;
  // A count that was left out is a 0; but COMPLETED without any count and without errors says it in words.
  return answer.errors == operations || (answer.errors == 0 && answer.status == JobStatus::completed);
}

}  // namespace

JobEnd judge(const JobAnswer& answer, std::uint64_t operations) {
  const bool all = answer.imports_given && answer.imports == operations;
  return all && answer.errors == 0 && answer.status != JobStatus::failed ? JobEnd::all_imported
                                                                         : JobEnd::read_errors;
}

ReadOperation read_operations(Files& files, std::function<Manifest()> manifest, BodyPaths paths) {
  struct State {
    Files& files;
    std::function<Manifest()> manifest;
    BodyPaths paths;
    Manifest whole{};  // that operations refers to
    std::optional<Result<Operations>> operations{};
  };
  auto state = std::make_shared<State>(State{files, std::move(manifest), std::move(paths)});
  return [state](std::uint32_t index) -> Result<std::string> {
    if (!state->operations || state->operations->has_error()) {
      state->whole = state->manifest();
      state->operations = Operations::find_left(state->files, state->whole, state->paths);
    }
    auto& operations = *state->operations;
    if (!operations)
      return operations.error();
    if (index >= operations->size())
      return Error{Errc::corrupt, "the batch has fewer records than were sent"};
    return operations->bytes(index);
  };
}

/// The records that an item may mean.
struct JobVerdict::Candidates {
  const UserKeys& keys;
  std::vector<std::uint32_t> indexes{};
  std::vector<std::optional<std::uint64_t>> contents{};  ///< hashes; nothing where the bytes are gone

  void add(std::uint32_t index, std::optional<std::uint64_t> content) {
    if (std::find(indexes.begin(), indexes.end(), index) != indexes.end())
      return;
    indexes.push_back(index);
    contents.push_back(content);
  }
  /// A batch may hold one user twice, by uid and by id: then what the record says tells them apart.
  [[nodiscard]] std::uint32_t best(const ResultItem& item) const {
    if (indexes.size() > 1) {
      const auto user = read_user_content(item.user_json);
      for (std::size_t i = 0; user && i < indexes.size(); ++i) {
        if (contents[i] == keys.uid(user->content))
          return indexes[i];
      }
    }
    return indexes.front();
  }
};

JobVerdict::JobVerdict(const BatchRow& row, const UserKeys& keys, ReadOperation read)
    : keys_(keys),
      read_(std::move(read)),
      users_(row.users),
      seconds_(row.seconds),
      ends_(row.users.size(), kNone) {}

/// The index is made when the first item comes: most jobs name nobody.
void JobVerdict::index_named() {
  for (std::uint32_t i = 0; i < users_.size(); ++i) {
    if (users_[i] == 0)
      anonymous_.push_back(i);
    else
      named_.push_back({users_[i], i});
  }
  for (std::uint32_t i = 0; i < seconds_.size() && i < users_.size(); ++i) {
    if (seconds_[i] != 0)
      named_.push_back({seconds_[i], i});
  }
  std::sort(named_.begin(), named_.end(), [](const Named& a, const Named& b) {
    return std::pair(a.key, a.index) < std::pair(b.key, b.index);
  });
  users_ = {};
  seconds_ = {};
}

Result<std::optional<JobVerdict::Known>> JobVerdict::known(std::uint32_t index) {
  if (const auto before = long_ones_.find(index); before != long_ones_.end())
    return std::optional(before->second);
  const auto bytes = read_(index);
  if (!bytes && !is_gone(bytes.error()))
    return bytes.error();
  auto record = bytes ? read_user_content(*bytes) : std::nullopt;
  if (!record)
    return std::optional<Known>{};
  Known known{std::move(record->uid), std::move(record->id), keys_.uid(record->content)};
  if (bytes->size() > kLongRecord)
    long_ones_.emplace(index, known);
  return std::optional(std::move(known));
}

Result<void> JobVerdict::find_named(std::uint64_t key, const ResultItem& item, Candidates& found) {
  const auto before = [](const Named& named, std::uint64_t wanted) { return named.key < wanted; };
  for (auto at = std::lower_bound(named_.begin(), named_.end(), key, before);
       at != named_.end() && at->key == key; ++at) {
    const auto record = known(at->index);
    if (!record)
      return record.error();
    if (!*record)
      found.add(at->index, std::nullopt);
    else if (is_named(**record, item))
      found.add(at->index, (*record)->content);
  }
  return {};
}

Result<JobVerdict::Match> JobVerdict::match(const ResultItem& item) {
  if (!users_.empty())
    index_named();
  const auto uid = given(item.uid);
  const auto id = given(item.id);
  Candidates found{keys_};
  if (!uid.empty()) {
    if (auto searched = find_named(keys_.uid(uid), item, found); !searched)
      return searched.error();
  }
  if (!id.empty()) {
    if (auto searched = find_named(keys_.id(id), item, found); !searched)
      return searched.error();
  }
  if (!found.indexes.empty()) {
    const auto index = found.best(item);
    return ends_[index] == kNone ? Match{true, index} : Match{true, std::nullopt};
  }
  // The API gives a user that it made an id, so that only a uid proves an item not to be anonymous.
  return uid.empty() ? match_anonymous(item) : Match{};
}

ContentKeys JobVerdict::keys_of(const UserContent& user) const {
  return {keys_.uid(user.content), keys_.uid(user.value), keys_.uid(user.text)};
}

/// Anonymous records are read once, when the first anonymous item comes.
Result<void> JobVerdict::index_anonymous() {
  while (!anonymous_.empty()) {
    const auto index = anonymous_.back();
    const auto bytes = read_(index);
    if (!bytes && !is_gone(bytes.error()))
      return bytes.error();
    if (const auto record = bytes ? read_user_content(*bytes) : std::nullopt)
      by_content_.add({keys_of(*record), index});
    anonymous_.pop_back();
  }
  return {};
}

Result<JobVerdict::Match> JobVerdict::match_anonymous(const ResultItem& item) {
  if (auto indexed = index_anonymous(); !indexed)
    return indexed.error();
  const auto user = by_content_.empty() ? std::nullopt : read_user_content(item.user_json);
  if (!user)
    return Match{};
  const auto keys = keys_of(*user);
  while (const auto entry = by_content_.find(keys)) {
    const auto bytes = read_(entry->index);
    if (!bytes && !is_gone(bytes.error()))
      return bytes.error();
    const auto record = bytes ? read_user_content(*bytes) : std::nullopt;
    if (record && record->content == user->content) {
      by_content_.take(*entry, keys);
      return Match{true, entry->index};
    }
    by_content_.remove(*entry);
  }
  return Match{};
}

Result<void> JobVerdict::add_error(const ResultItem& item) {
  const auto matched = match(item);
  if (!matched)
    return matched.error();
  unmatched_ = unmatched_ || !matched->named;
  if (matched->index)
    reject(*matched->index, item.code, item.message);
  return {};
}

void JobVerdict::reject(std::uint32_t index, const std::string& code, const std::string& message) {
  ends_[index] = kRejected + reason(code, message);
  ++rejected_;
}

Result<void> JobVerdict::add_import(const ResultItem& item) {
  const auto matched = match(item);
  if (!matched)
    return matched.error();
  if (matched->index) {
    ends_[*matched->index] = kImported;
    ++imported_;
  }
  return {};
}

Result<void> JobVerdict::add_page(const ResultPage& page, Add add) {
  std::size_t at = 0;
  auto all = page.each([this, add, &at](const ResultItem& item) -> Result<void> {
    if (at++ < added_)
      return {};
    auto one = (this->*add)(item);
    added_ += one ? 1 : 0;
    return one;
  });
  if (all)
    added_ = 0;
  return all;
}

Result<void> JobVerdict::add_errors(const ResultPage& page) {
  return add_page(page, &JobVerdict::add_error);
}

Result<void> JobVerdict::add_imports(const ResultPage& page) {
  return add_page(page, &JobVerdict::add_import);
}

std::uint32_t JobVerdict::reason(const std::string& given_code, const std::string& message) {
  const auto code = given_code.empty() ? std::string("unspecified") : given_code;
  const auto full = code + '\0' + message;
  const auto known = reason_index_.find(full);
  if (known != reason_index_.end())
    return known->second;
  const bool fits = reason_bytes_ + full.size() <= kMostReasonBytes;
  const auto next = static_cast<std::uint32_t>(reasons_.size());
  const auto [place, added] = reason_index_.emplace(fits ? full : code + '\0', next);
  if (added) {
    reasons_.push_back(Reason{code, fits ? message : std::string()});
    reason_bytes_ += place->first.size();
  }
  return place->second;
}

bool JobVerdict::is_complete(const JobAnswer& answer) const {
  return !unmatched_ && answer.errors == rejected_ && accounts_for_all(answer, ends_.size());
}

bool JobVerdict::failed_without_errors(const JobAnswer& answer) const {
  return answer.status == JobStatus::failed && answer.imports == 0 && rejected_ == 0 && imported_ == 0 &&
         !unmatched_;
}

bool JobVerdict::failed_by_its_counts(const JobAnswer& answer) const {
  return answer.imports_given && answer.errors == 0 && failed_without_errors(answer);
}

/// Records without a user among which was guessed and that did not all end alike.
std::vector<bool> JobVerdict::doubtful(bool complete) const {
  std::vector<bool> doubtful(ends_.size());
  const auto end_of = [&](std::uint32_t index) {
    return ends_[index] == kNone && complete ? kImported : std::min(ends_[index], kRejected);
  };
  for (const auto& group : by_content_.doubtful()) {
    const auto is_other = [&](std::uint32_t index) { return end_of(index) != end_of(group.front()); };
    if (std::any_of(group.begin(), group.end(), is_other))
      for (const auto index : group)
        doubtful[index] = true;
  }
  return doubtful;
}

BatchVerdict JobVerdict::verdict(const JobAnswer& answer) const {
  return conclude(answer, {"no_verdict", "the job ended and names the record neither imported nor failed"},
                  true);
}

void JobVerdict::add_rejected(const BatchVerdict& earlier) {
  for (const auto& entry : earlier.entries) {
    const auto& why = earlier.reasons[entry.reason];
    if (entry.end == OperationEnd::rejected && ends_[entry.index] == kNone)
      reject(entry.index, why.code, why.message);
  }
}

BatchVerdict JobVerdict::verdict_forbidden(const JobAnswer& answer, std::string why) const {
  const bool none_failed =
      answer.status == JobStatus::completed && answer.errors == 0 && rejected_ == 0 && !unmatched_;
  return none_failed ? BatchVerdict{} : verdict_in_part(answer, std::move(why));
}

BatchVerdict JobVerdict::verdict_in_part(const JobAnswer& answer, std::string why) const {
  // An error that was not read may name a record that imports name too: then those are more or fewer.
  const bool imports_agree = answer.imports_given && imported_ == answer.imports;
  return conclude(answer, {"errors_unreadable", std::move(why)}, imports_agree);
}

BatchVerdict JobVerdict::conclude(const JobAnswer& answer, Reason rest, bool trusts_imports) const {
  BatchVerdict verdict;
  verdict.reasons = reasons_;
  const bool complete = is_complete(answer);
  const auto doubted = doubtful(complete);
  const auto unknown = static_cast<std::uint32_t>(reasons_.size());
  if (!complete)
    verdict.reasons.push_back(std::move(rest));
  const auto in_doubt = static_cast<std::uint32_t>(verdict.reasons.size());
  if (std::find(doubted.begin(), doubted.end(), true) != doubted.end())
    verdict.reasons.push_back(
        {"no_verdict", "the job leaves open whether it names this record without uid and id or another"});
  for (std::uint32_t i = 0; i < ends_.size(); ++i) {
    const bool imported = complete || (ends_[i] == kImported && trusts_imports);
    if (doubted[i])
      verdict.entries.push_back({i, OperationEnd::unknown, in_doubt});
    else if (ends_[i] >= kRejected)
      verdict.entries.push_back({i, OperationEnd::rejected, ends_[i] - kRejected});
    else if (!imported)
      verdict.entries.push_back({i, OperationEnd::unknown, unknown});
  }
  return verdict;
}

}  // namespace usherd
