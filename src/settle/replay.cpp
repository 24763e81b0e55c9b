#include "usherd/settle/replay.hpp"

#include "src/settle/rivals.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/drop.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/spool/incoming_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace usherd {
namespace {

constexpr int kMostAttempts = 5;

/// In the order of acceptance.
bool is_before(const ReplayCandidate& a, const ReplayCandidate& b) {
  return std::tuple(a.file, a.name, a.line, a.at) < std::tuple(b.file, b.name, b.line, b.at);
}

void refuse(ReplayReport& report, ReplayRefusal refusal) {
  ++report.refused;
  if (report.refusals.size() < ReplayReport::kMostRefusals)
    report.refusals.push_back(std::move(refusal));
}

}  // namespace

std::string_view name_of(ReplayRefusal::Reason reason) {
  switch (reason) {
    case ReplayRefusal::Reason::newer_data:
      return "newer_data";
    case ReplayRefusal::Reason::older_than_index:
      return "older_than_index";
    case ReplayRefusal::Reason::unsearched:
      return "unsearched";
    case ReplayRefusal::Reason::second_user:
      return "second_user";
    case ReplayRefusal::Reason::not_json:
      break;
  }
  return "not_json";
}

Result<ReplayReport> Replay::retry(const ReplayOrder& order, const std::string& name) {
  if (auto finished = rejects_.finish(); !finished)
    return finished.error();
  // Files that are accepted in between may hold newer data: then everything is looked at again.
  for (int attempt = 1;; ++attempt) {
    auto report = retry_once(order, name);
    if (report || report.error().code != Errc::unavailable || attempt == kMostAttempts)
      return report;
  }
}

Result<ReplayReport> Replay::retry_once(const ReplayOrder& order, const std::string& name) {
  ReplayReport report;
  if (auto waits = nothing_waits_to_be_accepted(); !waits)
    return waits.error();
  auto chosen = candidates(order, report);
  if (!chosen)
    return chosen.error();
  Rivals rivals(*chosen);
  if (auto met = meet(rivals); !met)
    return met.error();
  if (auto done = choose(*chosen, rivals, order.force, report); !done)
    return done.error();
  report.done = chosen->size();
  if (order.dry_run || chosen->empty())
    return report;
  auto sent = send(*chosen, name);
  if (!sent)
    return sent.error();
  report.file = std::move(*sent);
  if (auto marked = mark(*chosen, report.file); !marked)
    return marked.error().within(
        fmt::format("{} was dropped, but its old lines are not marked", report.file));
  return report;
}

Result<ReplayReport> Replay::drop(const ReplayOrder& order) {
  ReplayReport report;
  if (auto finished = rejects_.finish(); !finished)
    return finished.error();
  auto names = rejects_.names();
  if (!names)
    return names.error();
  for (const auto& name : *names) {
    if (order.filter.file && *order.filter.file != name)
      continue;
    std::uint64_t here = 0;
    const auto count = [&](const StoredReject& reject) -> Result<void> {
      here += order.filter.matches(reject) ? 1 : 0;
      return {};
    };
    if (auto counted = rejects_.visit_named(name, count); !counted)
      return counted.error();
    report.matched += here;
    if (here == 0 || order.dry_run)
      continue;
    const auto edit = [&](const StoredReject& reject) {
      return RejectEdit{order.filter.matches(reject) ? RejectEdit::Kind::remove : RejectEdit::Kind::keep, {}};
    };
    if (auto written = rejects_.rewrite(name, edit); !written)
      return written.error();
  }
  report.done = report.matched;
  return report;
}

Result<void> Replay::nothing_waits_to_be_accepted() {
  const auto page = scan_incoming(files_, layout_.incoming(), {});
  if (!page)
    return page.error();
  for (const auto& file : page->files) {
    // What usherd may not read it will not accept, either.
    if (const auto open = files_.open(layout_.incoming() + "/" + file.name); !open)
      continue;
    return Error{
        Errc::unavailable,
        fmt::format("{} in incoming/ is not accepted yet and may hold newer data: try again when it is",
                    printable(file.name))};
  }
  return {};
}

Result<void> Replay::nothing_was_accepted() {
  const auto before = ledger_.last_file_number();
  if (!before)
    return before.error();
  if (auto held = ledger_.hold_still(); !held)
    return held;
  const auto now = ledger_.last_file_number();
  if (!now)
    return now.error();
  if (*now != *before)
    return Error{Errc::unavailable, "files were accepted meanwhile, which may hold newer data: try again"};
  return nothing_waits_to_be_accepted();
}

Result<Replay::Candidates> Replay::candidates(const ReplayOrder& order, ReplayReport& report) {
  Candidates found;
  names_.clear();
  const auto take = [&](const StoredReject& reject) -> Result<void> {
    ++report.matched;
    if (!reject.retried_as.empty()) {
      ++report.already;
      return {};
    }
    if (reject.record.empty()) {
      refuse(report, {reject.file, reject.line, ReplayRefusal::Reason::not_json,
                      is_utf8(reject.raw) ? "it is no JSON: export it, correct it, and submit it"
                                          : "it is not UTF-8: export it, write it in UTF-8, and submit it"});
      return {};
    }
    if (found.size() == kMostRecords)
      return Error{
          Errc::invalid,
          fmt::format("more than {} rejects match: narrow it by --file, --code or --stage, or export "
                      "them and submit the file",
                      kMostRecords)};
    return add(reject, found);
  };
  if (auto visited = rejects_.visit(order.filter, take); !visited)
    return visited.error();
  std::unordered_map<std::uint32_t, std::pair<FileNumber, bool>> files;
  for (std::uint32_t i = 0; i < names_.size(); ++i) {
    const auto file = ledger_.file_named(names_[i]);
    if (!file)
      return file.error();
    const auto format = format_of(names_[i]);
    files[i] = {*file ? (*file)->number : 0, format && format->format == Format::ndjson};
  }
  for (auto& candidate : found)
    std::tie(candidate.file, candidate.lines_compare) = files[candidate.name];
  std::sort(found.begin(), found.end(), is_before);
  return found;
}

Result<void> Replay::add(const StoredReject& reject, Candidates& candidates) {
  // Rejects come a file at a time.
  if (names_.empty() || names_.back() != reject.file)
    names_.push_back(reject.file);
  ReplayCandidate candidate;
  candidate.name = static_cast<std::uint32_t>(names_.size() - 1);
  candidate.length = static_cast<std::uint32_t>(reject.bytes.size());
  candidate.at = reject.at;
  candidate.line = reject.line;
  candidate.batch = reject.batch;
  candidate.unknown = reject.stage == Stage::unknown;
  const auto id = reject.id.empty() ? 0 : keys_.id(reject.id);
  candidate.key = reject.uid.empty() ? id : keys_.uid(reject.uid);
  candidate.second = reject.uid.empty() ? 0 : id;
  candidates.push_back(candidate);
  return {};
}

Result<void> Replay::meet(Rivals& rivals) {
  UserUpdates updates(ledger_, files_, layout_, keys_);
  const auto keys = rivals.keys();
  // Finds come a batch at a time.
  std::pair<BatchId, std::map<FileNumber, std::uint64_t>> refused;
  auto visited = updates.visit(keys, [&](const UserUpdate& update) -> Result<void> {
    if (update.batch == 0) {
      rivals.add(update, 0);
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
    rivals.add(update, count->second);
    return {};
  });
  if (!visited)
    return visited;
  unsearched_ = updates.unsearched();
  return learn_fates(rivals);
}

Result<void> Replay::learn_fates(Rivals& rivals) {
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
  for (const auto& [name, number] : files) {
    if (auto visited = rejects_.visit_named(name, take); !visited)
      return visited;
  }
  for (const auto& [number, batch] : rivals.doubtful()) {
    if (auto visited = rejects_.visit_unsettled(layout_.batch_rejects(number, batch), take); !visited)
      return visited;
  }
  return {};
}

Result<void> Replay::choose(Candidates& candidates, Rivals& rivals, bool force, ReplayReport& report) {
  const auto forgotten = ledger_.last_forgotten();
  if (!forgotten)
    return forgotten.error();
  std::unordered_set<std::size_t> refused;
  // The newest first: one that goes, too, stands not against what is older.
  for (auto i = candidates.size(); i-- > 0;) {
    auto against = objection(candidates[i], rivals, force, *forgotten);
    if (!against)
      return against.error();
    if (!*against) {
      rivals.goes(candidates[i]);
      continue;
    }
    refused.insert(i);
    refuse(report, std::move(**against));
  }
  std::size_t at = 0;
  std::erase_if(candidates, [&](const auto&) { return refused.contains(at++); });
  std::stable_sort(report.refusals.begin(), report.refusals.end(), [](const auto& a, const auto& b) {
    return std::tie(a.file, a.line) < std::tie(b.file, b.line);
  });
  return {};
}

Result<std::optional<ReplayRefusal>> Replay::objection(const ReplayCandidate& candidate, const Rivals& rivals,
                                                       bool force, FileNumber forgotten) {
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
  if (candidate.key != 0 && candidate.file <= forgotten) {
    refusal.reason = ReplayRefusal::Reason::older_than_index;
    refusal.detail =
        "files accepted after it are forgotten already: nobody knows whether they held newer data "
        "of this user; --force sends it all the same";
    return std::optional(std::move(refusal));
  }
  if (candidate.key != 0 && !unsearched_.empty()) {
    refusal.reason = ReplayRefusal::Reason::unsearched;
    refusal.detail = fmt::format(
        "{} was not looked into for newer data: try again when it is delivered; --force "
        "sends it all the same",
        printable(unsearched_.front()));
    return std::optional(std::move(refusal));
  }
  return std::optional<ReplayRefusal>{};
}

Result<std::string> Replay::describe(const Rival& rival) {
  const auto file = ledger_.file(rival.file);
  if (!file)
    return file.error();
  std::string_view fate = "is on its way";
  if (rival.fate == Rival::Fate::imported)
    fate = "was imported";
  else if (rival.fate == Rival::Fate::doubtful || rival.fate == Rival::Fate::unknown)
    fate = "may have been imported";
  const auto batch = rival.batch == 0 ? std::string{} : fmt::format(", batch {}", rival.batch);
  return fmt::format("{} line {}{} is newer and {}",
                     *file ? printable((*file)->name) : fmt::format("file {}", rival.file), rival.line, batch,
                     fate);
}

Result<std::string> Replay::free_name(const std::string& name) {
  auto free = name;
  for (std::uint64_t number = 2;; ++number) {
    const auto taken = ledger_.file_named(free);
    if (!taken)
      return taken.error();
    if (!*taken)
      return free;
    free = numbered_name(name, number);
  }
}

Result<std::string> Replay::send(const Candidates& chosen, const std::string& name) {
  const auto free = free_name(name);
  if (!free)
    return free.error();
  std::size_t next = 0;
  std::string line;
  std::size_t given = 0;
  const DropSource source = [&](std::span<char> into) -> Result<std::size_t> {
    if (given == line.size()) {
      if (next == chosen.size()) {
        const auto same = nothing_was_accepted();
        return same ? Result<std::size_t>{std::size_t{0}} : same.error();
      }
      const auto& candidate = chosen[next++];
      auto reject = rejects_.at(names_[candidate.name], candidate.at, candidate.length);
      if (!reject)
        return reject.error();
      line = std::move(reject->record);
      line += '\n';
      given = 0;
    }
    const auto count = std::min(into.size(), line.size() - given);
    std::copy_n(line.data() + given, count, into.data());
    given += count;
    return count;
  };
  return usherd::drop(files_, layout_, *free, source);
}

Result<void> Replay::mark(const Candidates& chosen, const std::string& as) {
  std::map<std::uint32_t, std::unordered_set<std::uint64_t>> places;
  for (const auto& candidate : chosen)
    places[candidate.name].insert(candidate.at);
  for (const auto& [name, at] : places) {
    const auto edit = [&at = at, &as](const StoredReject& reject) {
      return at.contains(reject.at) ? RejectEdit{RejectEdit::Kind::mark, as} : RejectEdit{};
    };
    if (auto written = rejects_.rewrite(names_[name], edit); !written)
      return written;
  }
  return {};
}

}  // namespace usherd
