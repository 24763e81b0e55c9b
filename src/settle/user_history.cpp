#include "usherd/settle/user_history.hpp"

#include "src/settle/original_line.hpp"

#include <algorithm>
#include <array>
#include <numeric>
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
  index_lines();
  if (auto added = add_rejects(); !added)
    return added.error();
  for (auto& story : stories_) {
    if (auto concluded = conclude(story); !concluded)
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
  stories_.assign(users.size(), {});
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
    return std::accumulate(stories_.begin(), stories_.end(), std::size_t{0},
                           [](std::size_t sum, const Story& story) { return sum + story.updates.size(); });
  };
  while (stories_.size() > 1 && held() > kMost)
    stories_.resize(stories_.size() / 2);
}

void UserHistory::put_in_order(Story& story) {
  const auto place = [](const TracedUpdate& update) {
    return std::tuple(update.sequence, update.line.value_or(update.record), update.batch);
  };
  std::stable_sort(story.updates.begin(), story.updates.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  if (story.updates.size() <= kMost)
    return;
  story.cut = true;
  story.updates.erase(story.updates.begin(), story.updates.end() - kMost);
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
  const auto line = original_line(files_, layout_, **found, update.line);
  if (!line)
    return line.error();
  traced.line = *line;
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
    if (auto visited = rejects_.visit_named(name, take_one); !visited)
      return visited;
  }
  // Of files that are not settled yet.
  const auto open = ledger_.open_files(0, kMost);
  if (!open)
    return open.error();
  for (const auto& unsettled : *open) {
    if (auto visited = rejects_.visit_unsettled(layout_.local_rejects(unsettled.number), take_one); !visited)
      return visited;
  }
  const auto shares = reject_lines_;
  for (const auto& [share, lines] : shares) {
    const auto kept = known_.find(share.first);
    if (kept == known_.end() || kept->second.state == FileState::settled)
      continue;
    const auto path = layout_.batch_rejects(share.first, share.second);
    if (auto visited = rejects_.visit_unsettled(path, take_one); !visited)
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
    if (auto added = add_reject(reject, stories_[user->second]); !added)
      return added;
    make_room();
  }
  return {};
}

bool UserHistory::take_nameless(const StoredReject& reject, const Share& share) {
  const auto known = by_line_.find({share, reject.line});
  if (known != by_line_.end() && known->second.story < stories_.size())
    tell(stories_[known->second.story].updates[known->second.update], reject);
  // It may be of one whose line nobody knows any more: then that one's end stays open.
  return !lineless_.contains(share);
}

void UserHistory::index_lines() {
  by_line_.clear();
  lineless_.clear();
  for (std::size_t story = 0; story < stories_.size(); ++story) {
    const auto& updates = stories_[story].updates;
    for (std::size_t i = 0; i < updates.size(); ++i) {
      const Share share{updates[i].sequence, updates[i].batch};
      if (updates[i].line)
        by_line_[{share, *updates[i].line}] = {story, i};
      else
        lineless_.insert(share);
    }
  }
}

Result<void> UserHistory::add_reject(const StoredReject& reject, Story& story) {
  const auto same = [&](const TracedUpdate& update) {
    return update.file == reject.file && update.batch == reject.batch && update.code.empty() &&
           (!update.line || *update.line == reject.line);
  };
  const auto known = std::find_if(story.updates.begin(), story.updates.end(), same);
  if (reject.batch != 0 && known != story.updates.end()) {
    tell(*known, reject);
    return {};
  }
  TracedUpdate traced;
  traced.file = reject.file;
  traced.batch = reject.batch;
  traced.job = reject.job;
  const auto file = ledger_.file_named(reject.file);
  if (!file)
    return file.error();
  if (*file) {
    traced.sequence = (*file)->number;
    traced.accepted = (*file)->accepted;
  }
  tell(traced, reject);
  story.updates.push_back(std::move(traced));
  return {};
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
