#include "usherd/settle/user_history.hpp"

#include "src/settle/original_line.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

namespace usherd {
namespace {

using State = TracedUpdate::State;

bool is_of(const StoredReject& reject, std::string_view user) {
  return reject.uid == user || reject.id == user;
}

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

Result<UserHistory::Story> UserHistory::of(std::string_view user) {
  known_.clear();
  numbers_.clear();
  reject_lines_.clear();
  Story story;
  const std::array keys{keys_.uid(user), keys_.id(user)};
  UserUpdates updates(ledger_, files_, layout_, keys_);
  // A record may have the name as its uid and as its id.
  std::set<std::tuple<FileNumber, std::uint64_t, BatchId>> told;
  auto visited = updates.visit(keys, [&](const UserUpdate& update) -> Result<void> {
    return told.emplace(update.file, update.line, update.batch).second ? add(update, story) : Result<void>{};
  });
  if (!visited)
    return visited.error();
  story.unsearched = updates.unsearched();
  if (auto added = add_rejects(user, story); !added)
    return added.error();
  if (auto concluded = conclude(story); !concluded)
    return concluded.error();
  const auto place = [](const TracedUpdate& update) {
    return std::tuple(update.sequence, update.line.value_or(update.record), update.batch);
  };
  std::stable_sort(story.updates.begin(), story.updates.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  if (story.updates.size() > kMost) {
    story.cut = true;
    story.updates.erase(story.updates.begin(), story.updates.end() - kMost);
  }
  return story;
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

Result<void> UserHistory::add_rejects(std::string_view user, Story& story) {
  const auto take_one = [&](const StoredReject& reject) { return take(reject, is_of(reject, user), story); };
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

Result<void> UserHistory::take(const StoredReject& reject, bool is_users, Story& story) {
  auto number = numbers_.find(reject.file);
  if (number != numbers_.end() && reject.batch != 0) {
    const auto share = reject_lines_.find({number->second, reject.batch});
    if (share != reject_lines_.end())
      ++share->second;
  }
  if (!is_users)
    return {};
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
