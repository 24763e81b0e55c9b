#include "usherd/settle/user_history.hpp"

#include "src/settle/original_line.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <tuple>

namespace usherd {
namespace {

using State = TracedUpdate::State;

void tell(TracedUpdate& update, const StoredReject& reject) {
  update.state = reject.stage == Stage::unknown ? State::unknown : State::rejected;
  update.line = reject.line;
  update.code = reject.code;
  update.retried_as = reject.retried_as;
}

bool is_older(const TracedUpdate& a, const TracedUpdate& b) {
  const auto rank = [](const TracedUpdate& update) {
    return std::tuple(update.sequence, update.place, update.record, update.batch);
  };
  return rank(a) < rank(b);
}

}  // namespace

std::string_view name_of(TracedUpdate::State state) {
  constexpr std::array<std::string_view, 8> kNames{"waiting", "frozen",   "processing", "imported",
                                                   "merged",  "rejected", "unknown",    "ended"};
  return kNames[static_cast<std::size_t>(state)];
}

Result<std::vector<UserHistory::Story>> UserHistory::of(std::span<const std::string> users) {
  expect(users);
  if (auto added = add_updates(); !added)
    return added.error();
  if (auto found = find_lines(); !found)
    return found.error();
  if (auto added = add_rejects(); !added)
    return added.error();
  for (std::size_t story = 0; story < stories_.size(); ++story) {
    if (auto concluded = conclude(stories_[story]); !concluded)
      return concluded.error();
    put_in_order(story);
  }
  return std::move(stories_);
}

void UserHistory::expect(std::span<const std::string> users) {
  known_.clear();
  numbers_.clear();
  reject_lines_.clear();
  by_key_.clear();
  by_name_.clear();
  named_ = {};
  bad_lines_ = {};
  stories_.assign(users.size(), {});
  lone_rejects_.assign(users.size(), {});
  for (std::size_t i = 0; i < users.size(); ++i) {
    by_key_[keys_.uid(users[i])] = i;
    by_key_[keys_.id(users[i])] = i;
    by_name_[users[i]] = i;
  }
}

Result<void> UserHistory::add_updates() {
  std::vector<std::uint64_t> keys;
  for (const auto& [key, story] : by_key_)
    keys.push_back(key);
  UserUpdates updates(ledger_, files_, layout_, keys_);
  // A record may have the name as its uid and as its id.
  std::set<std::tuple<std::size_t, FileNumber, std::uint64_t, BatchId>> told;
  auto visited = updates.visit(keys, [&](const UserUpdate& update) -> Result<void> {
    const auto story = by_key_.at(update.key);
    if (story >= stories_.size() || !told.emplace(story, update.file, update.line, update.batch).second)
      return {};
    if (auto added = add(update, stories_[story]); !added)
      return added;
    make_room();
    return {};
  });
  unsearched_ = updates.unsearched();
  return visited;
}

/// Fewer users, rather than more memory than one alone may take.
void UserHistory::make_room() {
  const auto held = [this] {
    std::size_t sum = 0;
    for (std::size_t story = 0; story < stories_.size(); ++story)
      sum += stories_[story].updates.size() + lone_rejects_[story].size();
    return sum;
  };
  while (stories_.size() > 1 && held() > kMost) {
    stories_.resize(stories_.size() / 2);
    lone_rejects_.resize(stories_.size());
  }
}

void UserHistory::put_in_order(std::size_t story) {
  auto& [updates, cut] = stories_[story];
  std::move(lone_rejects_[story].begin(), lone_rejects_[story].end(), std::back_inserter(updates));
  lone_rejects_[story].clear();
  std::stable_sort(updates.begin(), updates.end(), is_older);
  if (updates.size() <= kMost)
    return;
  cut = true;
  updates.erase(updates.begin(), updates.end() - kMost);
}

Result<void> UserHistory::add(const UserUpdate& update, Story& story) {
  const auto found = file(update.file);
  if (!found)
    return found.error();
  // Its file is forgotten; its batch is kept for another one.
  if (*found == nullptr)
    return {};
  TracedUpdate traced;
  traced.file = (*found)->name;
  traced.sequence = update.file;
  traced.record = update.line;
  traced.accepted = (*found)->accepted;
  if (update.facts != nullptr) {
    traced.batch = update.batch;
    traced.job = update.facts->job;
    traced.submitted = update.facts->submitted;
    traced.finished = update.facts->finished;
    switch (update.facts->state) {
      case BatchState::frozen:
      case BatchState::retired:
        traced.state = State::frozen;
        break;
      case BatchState::accepted:
        traced.state = State::processing;
        break;
      case BatchState::ended:
        traced.state = update.folded ? State::merged : State::imported;
        reject_lines_.try_emplace({update.file, update.batch}, 0);
        break;
    }
  }
  story.updates.push_back(std::move(traced));
  // A user in every record of a large backlog: only the newest are told of.
  if (story.updates.size() > 2 * kMost) {
    story.updates.erase(story.updates.begin(), story.updates.end() - kMost);
    story.cut = true;
  }
  return {};
}

Result<const SpoolFile*> UserHistory::file(FileNumber number) {
  auto known = known_.find(number);
  if (known == known_.end()) {
    auto found = ledger_.file(number);
    if (!found)
      return found.error();
    if (!*found)
      return nullptr;
    numbers_[(*found)->name] = number;
    known = known_.emplace(number, std::move(**found)).first;
  }
  return &known->second;
}

Result<void> UserHistory::add_rejects() {
  const auto take_one = [this](const StoredReject& reject) { return take(reject); };
  const auto names = rejects_.names();
  if (!names)
    return names.error();
  for (const auto& name : *names) {
    if (auto visited = rejects_.visit_named(name, take_one, &bad_lines_); !visited)
      return visited;
  }
  // Of files that are not settled yet.
  const auto open = ledger_.open_files(0, kMost);
  if (!open)
    return open.error();
  for (const auto& unsettled : *open) {
    if (auto visited =
            rejects_.visit_unsettled(layout_.local_rejects(unsettled.number), take_one, &bad_lines_);
        !visited)
      return visited;
  }
  const auto shares = reject_lines_;
  for (const auto& [share, lines] : shares) {
    const auto kept = known_.find(share.first);
    if (kept == known_.end() || kept->second.state == FileState::settled)
      continue;
    const auto path = layout_.batch_rejects(share.first, share.second);
    if (auto visited = rejects_.visit_unsettled(path, take_one, &bad_lines_); !visited)
      return visited;
  }
  return {};
}

Result<void> UserHistory::take(const StoredReject& reject) {
  const auto number = numbers_.find(reject.file);
  if (number != numbers_.end() && reject.batch != 0) {
    const auto share = reject_lines_.find({number->second, reject.batch});
    const bool is_nameless = reject.uid.empty() && reject.id.empty();
    if (share != reject_lines_.end() && (!is_nameless || take_nameless(reject, share->first)))
      ++share->second;
  }
  for (const auto* name : {&reject.uid, &reject.id}) {
    const auto user = by_name_.find(*name);
    const bool told = name == &reject.id && reject.id == reject.uid;
    if (user == by_name_.end() || user->second >= stories_.size() || told)
      continue;
    if (auto added = add_reject(reject, user->second); !added)
      return added;
    make_room();
  }
  return {};
}

bool UserHistory::take_nameless(const StoredReject& reject, const Share& share) {
  auto known = by_line_.lower_bound({share, reject.line, 0});
  while (known != by_line_.end() && std::get<0>(known->first) == share &&
         std::get<1>(known->first) == reject.line) {
    if (const auto story = std::get<2>(known->first); story < stories_.size())
      tell(stories_[story].updates[known->second], reject);
    known = by_line_.erase(known);
  }
  // It may be of one whose line nobody knows any more: then that one's end stays open.
  return !lineless_.contains(share);
}

/// Only now, of those that are told of: each may take a look at the disk.
Result<void> UserHistory::find_lines() {
  by_line_.clear();
  lineless_.clear();
  for (std::size_t story = 0; story < stories_.size(); ++story) {
    auto& updates = stories_[story].updates;
    for (std::size_t i = 0; i < updates.size(); ++i) {
      auto& update = updates[i];
      const auto line = original_line(files_, layout_, known_.at(update.sequence), update.record);
      if (!line)
        return line.error();
      update.line = *line;
      update.place = update.line.value_or(update.record);
      const Share share{update.sequence, update.batch};
      if (update.batch != 0)
        by_line_.emplace(Place{share, update.line.value_or(0), story}, i);
      if (!update.line)
        lineless_.insert(share);
    }
  }
  return {};
}

TracedUpdate* UserHistory::find_update(const StoredReject& reject, std::size_t story) {
  const auto number = numbers_.find(reject.file);
  if (reject.batch == 0 || number == numbers_.end())
    return nullptr;
  const Share share{number->second, reject.batch};
  for (const auto line : {reject.line, std::uint64_t{0}}) {
    const auto known = by_line_.find({share, line, story});
    if (known == by_line_.end())
      continue;
    auto* update = &stories_[story].updates[known->second];
    by_line_.erase(known);
    return update;
  }
  return nullptr;
}

Result<void> UserHistory::add_reject(const StoredReject& reject, std::size_t story) {
  if (auto* update = find_update(reject, story)) {
    tell(*update, reject);
    return {};
  }
  TracedUpdate traced;
  traced.file = reject.file;
  traced.batch = reject.batch;
  traced.job = reject.job;
  const auto file = file_named(reject.file);
  if (!file)
    return file.error();
  if (*file != nullptr) {
    traced.sequence = (*file)->number;
    traced.accepted = (*file)->accepted;
  }
  tell(traced, reject);
  traced.place = reject.line;
  auto& rejects = lone_rejects_[story];
  rejects.push_back(std::move(traced));
  // As with updates; but files of rejects do not come in the order of acceptance.
  if (rejects.size() > 2 * kMost) {
    std::nth_element(rejects.begin(), rejects.end() - kMost, rejects.end(), is_older);
    rejects.erase(rejects.begin(), rejects.end() - kMost);
    stories_[story].cut = true;
  }
  return {};
}

Result<const SpoolFile*> UserHistory::file_named(const std::string& name) {
  if (named_.first != name || name.empty()) {
    auto found = ledger_.file_named(name);
    if (!found)
      return found.error();
    named_ = {name, std::move(*found)};
  }
  return named_.second ? &*named_.second : nullptr;
}

Result<void> UserHistory::conclude(Story& story) {
  for (auto& update : story.updates) {
    const bool may_be_wrong = update.state == State::imported || update.state == State::merged;
    if (!may_be_wrong)
      continue;
    const auto outcomes = ledger_.outcomes(update.batch, update.sequence);
    if (!outcomes)
      return outcomes.error();
    const auto refused = *outcomes ? (*outcomes)->rejected + (*outcomes)->unknown : 0;
    // All of its reject lines are there, and none is this one's.
    if (reject_lines_[{update.sequence, update.batch}] < refused)
      update.state = State::ended;
  }
  return {};
}

}  // namespace usherd
