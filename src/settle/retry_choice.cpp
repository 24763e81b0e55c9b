#include "src/settle/retry_choice.hpp"

#include "src/settle/original_line.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace usherd {
namespace {

/// In the order of acceptance.
bool is_before(const ReplayCandidate& a, const ReplayCandidate& b) {
  const auto place = [](const ReplayCandidate& candidate) {
    // The order of forgotten files is forgotten, too; each stays together.
    const auto name = candidate.place.file == 0 ? candidate.name : 0;
    return std::tuple(candidate.place.file, name, candidate.place.position, candidate.at);
  };
  return place(a) < place(b);
}

void refuse(ReplayReport& report, ReplayRefusal refusal) {
  ++report.refused;
  if (report.refusals.size() < ReplayReport::kMostRefusals)
    report.refusals.push_back(std::move(refusal));
}

std::string what_is_wrong(std::string_view code) {
  const bool is_json = code == "number_out_of_range" || code == "nesting_too_deep";
  return is_json ? fmt::format("it cannot be sent as it stands ({})", code) : "it is no JSON";
}

}  // namespace

Result<void> RetryChoice::make(const ReplayOrder& order, ReplayReport& report) {
  chosen_.clear();
  names_.clear();
  if (auto found = find(order.filter, report); !found)
    return found;
  Rivals rivals(chosen_);
  if (auto met = meet(rivals); !met)
    return met;
  return weed(rivals, order.force, report);
}

Result<void> RetryChoice::find(const RejectFilter& filter, ReplayReport& report) {
  const auto take = [&](const StoredReject& reject) -> Result<void> {
    ++report.matched;
    if (!reject.retried_as.empty()) {
      ++report.already;
      return {};
    }
    if (reject.record.empty()) {
      refuse(report, {reject.file, reject.line, ReplayRefusal::Reason::not_json,
                      is_utf8(reject.raw) ? fmt::format("{}: export it, correct it, and submit it",
                                                        what_is_wrong(reject.code))
                                          : "it is not UTF-8: export it, write it in UTF-8, and submit it"});
      return {};
    }
    if (chosen_.size() == Replay::kMostRecords)
      return Error{
          Errc::invalid,
          fmt::format("more than {} rejects match: narrow it by --file, --code or --stage, or export "
                      "them and submit the file",
                      Replay::kMostRecords)};
    add(reject);
    return {};
  };
  if (auto visited = rejects_.visit(filter, take); !visited)
    return visited.error();
  if (auto found = find_places(); !found)
    return found;
  std::sort(chosen_.begin(), chosen_.end(), is_before);
  return {};
}

Result<void> RetryChoice::find_places() {
  const auto forgotten = ledger_.last_forgotten();
  if (!forgotten)
    return forgotten.error();
  forgotten_ = *forgotten;
  std::vector<FileNumber> files;
  for (const auto& name : names_) {
    const auto file = ledger_.file_named(name);
    if (!file)
      return file.error();
    files.push_back(*file ? (*file)->number : 0);
  }
  const auto keys = Rivals(chosen_).keys();
  BadLines bad;
  if (auto learnt = places_.learn(rejects_, ledger_, keys_, {keys.begin(), keys.end()}, bad); !learnt)
    return learnt;
  for (auto& candidate : chosen_) {
    candidate.file = candidate.place.file = files[candidate.name];
    if (const auto first = places_.of(candidate.file, candidate.line, candidate.key))
      candidate.place = *first;
    // The line that cannot be read may be the one that told how old it is.
    if (!candidate.place.is_first && bad.count != 0)
      return Error{Errc::corrupt, bad.told.front()};
  }
  return {};
}

void RetryChoice::add(const StoredReject& reject) {
  // Rejects come a file at a time.
  if (names_.empty() || names_.back() != reject.file)
    names_.push_back(reject.file);
  ReplayCandidate candidate;
  candidate.name = static_cast<std::uint32_t>(names_.size() - 1);
  candidate.length = static_cast<std::uint32_t>(reject.bytes.size());
  candidate.at = reject.at;
  candidate.line = reject.line;
  candidate.batch = reject.batch;
  candidate.place = place_of(reject, 0);
  candidate.unknown = reject.stage == Stage::unknown;
  const auto id = reject.id.empty() ? 0 : keys_.id(reject.id);
  candidate.key = reject.uid.empty() ? id : keys_.uid(reject.uid);
  candidate.second = reject.uid.empty() ? 0 : id;
  chosen_.push_back(candidate);
}

Result<void> RetryChoice::meet(Rivals& rivals) {
  UserUpdates updates(ledger_, files_, layout_, keys_);
  const auto keys = rivals.keys();
  // Finds come a batch at a time.
  std::pair<BatchId, std::map<FileNumber, std::uint64_t>> refused;
  auto visited = updates.visit(keys, [&](const UserUpdate& update) -> Result<void> {
    auto first = places_.of(update.file, update.line, update.key);
    // As new as what is forgotten can be.
    if (first && first->file == 0)
      first->file = forgotten_;
    if (update.batch == 0) {
      rivals.add(update, 0, first);
      return {};
    }
    if (refused.first != update.batch)
      refused = {update.batch, {}};
    const auto [count, is_new] = refused.second.try_emplace(update.file, 0);
    if (is_new) {
      const auto outcomes = ledger_.outcomes(update.batch, update.file);
      if (!outcomes)
        return outcomes.error();
      count->second = *outcomes ? (*outcomes)->rejected + (*outcomes)->unknown : 0;
    }
    rivals.add(update, count->second, first);
    return {};
  });
  if (!visited)
    return visited;
  unsearched_ = updates.unsearched();
  return learn_fates(rivals);
}

Result<void> RetryChoice::learn_fates(Rivals& rivals) {
  std::map<std::string, FileNumber, std::less<>> files;
  for (const auto& [number, batch] : rivals.doubtful()) {
    const auto file = ledger_.file(number);
    if (!file)
      return file.error();
    if (*file)
      files[(*file)->name] = number;
  }
  const auto take = [&](const StoredReject& reject) -> Result<void> {
    const auto file = files.find(reject.file);
    if (file == files.end() || reject.batch == 0)
      return {};
    if (!reject.uid.empty())
      rivals.refused(file->second, reject.batch, keys_.uid(reject.uid), reject.stage);
    if (!reject.id.empty())
      rivals.refused(file->second, reject.batch, keys_.id(reject.id), reject.stage);
    return {};
  };
  // Whoever a line that cannot be read is of stays doubtful, which stands against older ones.
  BadLines passed;
  for (const auto& [name, number] : files) {
    if (auto visited = rejects_.visit_named(name, take, &passed); !visited)
      return visited;
  }
  for (const auto& [number, batch] : rivals.doubtful()) {
    if (auto visited = rejects_.visit_unsettled(layout_.batch_rejects(number, batch), take, &passed);
        !visited)
      return visited;
  }
  return {};
}

Result<void> RetryChoice::weed(Rivals& rivals, bool force, ReplayReport& report) {
  std::unordered_set<std::size_t> refused;
  // The newest first: one that is known to have been refused, and goes, too, stands not against what is
  // older.
  for (auto i = chosen_.size(); i-- > 0;) {
    auto against = objection(chosen_[i], rivals, force);
    if (!against)
      return against.error();
    if (!*against) {
      rivals.goes(chosen_[i]);
      continue;
    }
    refused.insert(i);
    refuse(report, std::move(**against));
  }
  std::size_t at = 0;
  std::erase_if(chosen_, [&](const auto&) { return refused.contains(at++); });
  std::stable_sort(report.refusals.begin(), report.refusals.end(), [](const auto& a, const auto& b) {
    return std::tie(a.file, a.line) < std::tie(b.file, b.line);
  });
  return {};
}

Result<std::optional<ReplayRefusal>> RetryChoice::objection(const ReplayCandidate& candidate,
                                                            const Rivals& rivals, bool force) {
  ReplayRefusal refusal;
  refusal.file = names_[candidate.name];
  refusal.line = candidate.line;
  if (const auto rival = rivals.against(candidate)) {
    auto words = describe(*rival);
    if (!words)
      return words.error();
    refusal.detail = std::move(*words);
    return std::optional(std::move(refusal));
  }
  if (force)
    return std::optional<ReplayRefusal>{};
  if (candidate.key == 0 && candidate.unknown) {
    refusal.reason = ReplayRefusal::Reason::second_user;
    refusal.detail =
        "it may have made its user already, and would make another; --force sends it all the same";
    return std::optional(std::move(refusal));
  }
  if (candidate.key != 0 && candidate.place.file <= forgotten_) {
    refusal.reason = ReplayRefusal::Reason::older_than_index;
    refusal.detail =
        "files accepted after it are forgotten already: nobody knows whether they held newer data "
        "of this user; --force sends it all the same";
    return std::optional(std::move(refusal));
  }
  if (candidate.key != 0 && unsearched_.count() != 0) {
    refusal.reason = ReplayRefusal::Reason::unsearched;
    refusal.detail = fmt::format(
        "{} was not looked into for newer data: try again when it is delivered; --force "
        "sends it all the same",
        printable(unsearched_.names().front()));
    return std::optional(std::move(refusal));
  }
  return std::optional<ReplayRefusal>{};
}

Result<std::string> RetryChoice::describe(const Rival& rival) {
  const auto file = ledger_.file(rival.file);
  if (!file)
    return file.error();
  std::string_view fate = "is on its way";
  if (rival.fate == Rival::Fate::imported)
    fate = "was imported";
  else if (rival.fate == Rival::Fate::doubtful || rival.fate == Rival::Fate::unknown)
    fate = "may have been imported";
  const auto batch = rival.batch == 0 ? std::string{} : fmt::format(", batch {}", rival.batch);
  if (!*file)
    return fmt::format("file {} record {}{} is newer and {}", rival.file, rival.line, batch, fate);
  const auto line = original_line(files_, layout_, **file, rival.line);
  if (!line)
    return line.error();
  return fmt::format("{} {} {}{} is newer and {}", printable((*file)->name), *line ? "line" : "record",
                     line->value_or(rival.line), batch, fate);
}

}  // namespace usherd
