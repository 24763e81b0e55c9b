#include "src/settle/rivals.hpp"

#include <algorithm>

namespace usherd {
namespace {

bool is_before(const Rival& a, const Rival& b) {
  const auto first = [](const Rival& rival) {
    return rival.first ? std::pair(rival.first->file, rival.first->position)
                       : std::pair(rival.file, rival.line);
  };
  return std::tuple(first(a), a.file, a.line, a.batch) < std::tuple(first(b), b.file, b.line, b.batch);
}

void keep_newest(std::optional<Rival>& newest, const Rival& rival) {
  if (!newest || is_before(*newest, rival))
    newest = rival;
}

}  // namespace

bool Rival::is_newer_than(const ReplayCandidate& candidate) const {
  if (!candidate.place.is_first)
    return std::tuple(file, line) > std::tuple(candidate.file, candidate.line);
  if (first)
    return std::tuple(first->file, first->position) >
           std::tuple(candidate.place.file, candidate.place.position);
  if (file != candidate.place.file)
    return file > candidate.place.file;
  if (candidate.place.lines_compare)
    return line > candidate.place.position;
  // A user is at most once in a batch, and in a later one only once the earlier one has ended.
  return batch == 0 || candidate.place.batch == 0 || batch > candidate.place.batch;
}

Rivals::Rivals(const std::vector<ReplayCandidate>& candidates) {
  for (const auto& candidate : candidates) {
    for (const auto key : {candidate.key, candidate.second}) {
      if (key != 0)
        users_.try_emplace(key);
    }
  }
}

std::vector<std::uint64_t> Rivals::keys() const {
  std::vector<std::uint64_t> keys;
  keys.reserve(users_.size());
  for (const auto& [key, user] : users_)
    keys.push_back(key);
  return keys;
}

void Rivals::add(const UserUpdate& update, std::uint64_t refused, const std::optional<RecordPlace>& first) {
  auto& user = users_[update.key];
  Rival rival{Rival::Fate::pending, update.file, update.line, update.batch, first};
  const bool ended = update.facts != nullptr && update.facts->state == BatchState::ended;
  if (ended)
    rival.fate = refused == 0 ? Rival::Fate::imported : Rival::Fate::doubtful;
  if (rival.fate == Rival::Fate::doubtful && user.doubtful.size() < kMostDoubtful) {
    user.doubtful.push_back(rival);
    doubtful_.emplace(rival.file, rival.batch);
    return;
  }
  keep_newest(first ? user.retried : user.certain, rival);
}

void Rivals::refused(FileNumber file, BatchId batch, std::uint64_t key, Stage stage) {
  const auto user = users_.find(key);
  if (user == users_.end())
    return;
  for (auto& rival : user->second.doubtful) {
    if (rival.file == file && rival.batch == batch)
      rival.fate = stage == Stage::unknown ? Rival::Fate::unknown : Rival::Fate::rejected;
  }
}

void Rivals::goes(const ReplayCandidate& candidate) {
  // An unknown one may have been imported: it may be refused now, and what is older stand over it.
  if (candidate.batch == 0 || candidate.unknown)
    return;
  for (const auto key : {candidate.key, candidate.second}) {
    if (key != 0)
      refused(candidate.file, candidate.batch, key, Stage::api);
  }
}

std::optional<Rival> Rivals::against(const ReplayCandidate& candidate) const {
  std::optional<Rival> newest;
  for (const auto key : {candidate.key, candidate.second}) {
    const auto found = users_.find(key);
    if (key == 0 || found == users_.end())
      continue;
    const auto& user = found->second;
    for (const auto& certain : {user.certain, user.retried}) {
      if (certain && certain->is_newer_than(candidate))
        keep_newest(newest, *certain);
    }
    for (const auto& rival : user.doubtful) {
      if (rival.fate != Rival::Fate::rejected && rival.is_newer_than(candidate))
        keep_newest(newest, rival);
    }
  }
  return newest;
}

}  // namespace usherd
