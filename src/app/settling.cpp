#include "usherd/app/settling.hpp"

#include "usherd/core/log_event.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/spool/logged_reason.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace usherd {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kGroup = 256;
/// After what could not be settled: doubled from the one to the other while nothing can be.
constexpr auto kFirstRetry = 2s;
constexpr auto kSlowestRetry = 32s;
/// Between two words of what was kept long enough and cannot be removed.
constexpr auto kKeptPace = 10min;
constexpr std::size_t kExpiryGroup = 500;

constexpr std::size_t kMostReason = 500;
/// A folder that is closed keeps thousands of files at once.
constexpr std::size_t kMostNamed = 20;

std::string shown_name(const SpoolFile& file) {
  if (file.original == file.name)
    return printable(file.name);
  return fmt::format("{} (dropped as {})", printable(file.name), printable(file.original));
}

/// For a disk that is all but full: it has no room for a large commit, not even for one that frees some.
std::vector<Expiring> singly(Expiring group) {
  std::vector<Expiring> files;
  for (auto& file : group.done)
    files.emplace_back().done.push_back(std::move(file));
  for (auto& file : group.rejected)
    files.emplace_back().rejected.push_back(std::move(file));
  return files;
}

/// Leaves in `group` only what `results` call done; hands the others to `failed`.
void keep_done(std::vector<Ending>& group, const std::vector<Result<void>>& results,
               const std::function<void(const SpoolFile&, const Error&)>& failed) {
  std::vector<Ending> done;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (results[i])
      done.push_back(std::move(group[i]));
    else
      failed(group[i].file, results[i].error());
  }
  group = std::move(done);
}

}  // namespace

Settling::Settling(Parts parts)
    : parts_(std::move(parts)),
      settlement_(parts_.disk, parts_.files.layout(), parts_.free_space),
      expiry_(parts_.disk, parts_.files.layout()),
      alarm_(parts_.timers.alarm(WaitFor::settling)),
      pace_(kFirstRetry) {}

void Settling::set_keep(Milliseconds done, Milliseconds rejected) {
  parts_.keep = KeepTimes{done, rejected};
  next_expiry_ = {};
  tell_of_kept_at_ = {};
  alarm_->ring();
}

void Settling::file_progressed(FileNumber number) {
  const auto* entry = parts_.files.find(number);
  if (entry == nullptr || !entry->progress.finished())
    return;
  queue_.push_back(number);
  alarm_->ring();
}

boost::asio::awaitable<void> Settling::run() {
  while (true) {
    const auto now = parts_.timers.now().boot;
    if (now >= next_expiry_)
      co_await expire();
    if (!again_.empty() && now >= again_at_) {
      queue_.insert(queue_.end(), again_.begin(), again_.end());
      again_.clear();
    }
    if (queue_.empty()) {
      co_await alarm_->wait_until(again_.empty() ? next_expiry_ : std::min(next_expiry_, again_at_));
      continue;
    }
    busy_ = true;
    std::vector<FileNumber> numbers;
    while (!queue_.empty() && numbers.size() < kGroup) {
      numbers.push_back(queue_.front());
      queue_.pop_front();
    }
    co_await settle(std::move(numbers));
    busy_ = !again_.empty();
    if (settled_)
      settled_();
  }
}

boost::asio::awaitable<void> Settling::settle(std::vector<FileNumber> numbers) {
  const auto group = co_await gather(std::move(numbers));
  co_await find_tails(group);
  co_await prepare(group);
  co_await publish(group);
  if (group->empty())
    co_return;
  GroupCommit::Change change = [group](Ledger& ledger) { return Settlement::commit(ledger, *group); };
  const bool durable = co_await parts_.recorder.record(std::move(change));
  if (!durable)
    co_return;
  auto& settlement = settlement_;
  auto work = [&settlement, group] {
    std::vector<std::uint64_t> left;
    left.reserve(group->size());
    for (const auto& ending : *group) {
      const auto late = settlement.left_behind(ending);
      left.push_back(late ? *late : 0);
      // What cannot be removed now is swept at the next start.
      static_cast<void>(settlement.clean(ending));
    }
    return left;
  };
  const auto left = co_await parts_.workers.run(std::move(work));
  for (std::size_t i = 0; i < group->size(); ++i)
    ended((*group)[i], left[i]);
}

boost::asio::awaitable<Settling::Group> Settling::gather(std::vector<FileNumber> numbers) {
  auto group = std::make_shared<std::vector<Ending>>();
  std::vector<std::pair<SpoolFile, ReadMark>> ends;
  for (const auto number : numbers) {
    if (const auto* entry = parts_.files.find(number))
      ends.emplace_back(entry->file, entry->progress.read());
  }
  GroupCommit::Change change = [ends](Ledger& ledger) -> Result<void> {
    for (const auto& [file, mark] : ends) {
      if (file.state == FileState::refused || mark == file.mark)
        continue;
      if (auto moved = ledger.move_mark(file.number, mark); !moved)
        return moved;
    }
    return {};
  };
  const bool durable = co_await parts_.recorder.record(std::move(change));
  if (!durable)
    co_return group;
  const auto now = parts_.timers.now().wall;
  auto question = [ends, now](Ledger& ledger) {
    std::vector<Result<Ending>> gathered;
    gathered.reserve(ends.size());
    for (const auto& [file, mark] : ends)
      gathered.push_back(Settlement::gather(ledger, file.number, now));
    return gathered;
  };
  auto gathered = co_await parts_.ledger.ask(std::move(question));
  for (std::size_t i = 0; i < gathered.size(); ++i) {
    if (gathered[i])
      group->push_back(std::move(*gathered[i]));
    else
      failed(ends[i].first, gathered[i].error());
  }
  co_return group;
}

boost::asio::awaitable<void> Settling::find_tails(Group group) {
  auto& settlement = settlement_;
  auto work = [&settlement, group] {
    std::vector<Result<void>> results;
    results.reserve(group->size());
    for (auto& ending : *group)
      results.push_back(settlement.find_tail(ending));
    return results;
  };
  const auto results = co_await parts_.workers.run(std::move(work));
  // What was kept back for the ends of batches is not for what a producer appends.
  keep_done(*group, results, [this](const SpoolFile& file, const Error& error) { delay(file, error); });
  const bool any = std::any_of(group->begin(), group->end(), [](const Ending& e) { return !e.tail.empty(); });
  if (!any)
    co_return;
  auto question = [&settlement, group](Ledger& ledger) { return settlement.name_tails(ledger, *group); };
  const auto named = co_await parts_.ledger.ask(std::move(question));
  if (named)
    co_return;
  std::vector<Result<void>> with_tail;
  for (const auto& ending : *group)
    with_tail.push_back(ending.tail.empty() ? Result<void>{} : named);
  keep_done(*group, with_tail, [this](const SpoolFile& file, const Error& error) { failed(file, error); });
}

boost::asio::awaitable<void> Settling::prepare(Group group) {
  auto& settlement = settlement_;
  auto work = [&settlement, group] {
    std::vector<Result<void>> results;
    results.reserve(group->size());
    for (const auto& ending : *group)
      results.push_back(settlement.prepare(ending));
    return results;
  };
  const auto results = co_await parts_.workers.run(std::move(work));
  keep_done(*group, results, [this](const SpoolFile& file, const Error& error) { failed(file, error); });
}

boost::asio::awaitable<void> Settling::publish(Group group) {
  auto& settlement = settlement_;
  auto work = [&settlement, group] { return settlement.publish(*group); };
  const auto results = co_await parts_.workers.run(std::move(work));
  keep_done(*group, results, [this](const SpoolFile& file, const Error& error) {
    if (error.code == Errc::cancelled)
      queue_.push_back(file.number);
    else
      failed(file, error);
  });
}

void Settling::failed(const SpoolFile& file, const Error& error) {
  if (parts_.recorder.make_room(error)) {
    queue_.push_back(file.number);
    return;
  }
  delay(file, error);
}

void Settling::delay(const SpoolFile& file, const Error& error) {
  // What contradicts itself does so the next time as well.
  if (error.code == Errc::corrupt) {
    parts_.log.error("{} cannot be settled: {}; stop usherd and run 'usherd doctor'", printable(file.name),
                     error.message);
    ++totals_.stuck;
    if (auto* entry = parts_.files.find(file.number))
      entry->stuck = "it cannot be settled: " + error.message;
    return;
  }
  note_refused(error);
  if (failed_.insert(file.number).second) {
    if (failed_.size() <= kMostNamed)
      parts_.log.error("{} cannot be settled yet: {}", printable(file.name), error.message);
    else if (failed_.size() == kMostNamed + 1)
      parts_.log.error("more than {} files cannot be settled yet: no others are named", kMostNamed);
    parts_.recorder.note_stalled(printable(file.name), error.message);
  }
  try_later(file.number);
}

void Settling::try_later(FileNumber number) {
  if (again_.empty()) {
    again_at_ = parts_.timers.now().boot + pace_;
    pace_ = std::min<BootClock::duration>(pace_ * 2, kSlowestRetry);
  }
  again_.push_back(number);
}

void Settling::note_refused(const Error& error) const {
  // A missing folder is "not found"; a name that another file holds says nothing of the folders.
  const bool may_be_folders = Recorder::is_of_one(error) || error.code == Errc::not_found;
  if (may_be_folders && refused_)
    refused_();
}

void Settling::ended(const Ending& ending, std::uint64_t left_behind) {
  pace_ = kFirstRetry;
  if (failed_.erase(ending.file.number) > 0)
    parts_.recorder.note_moving(printable(ending.file.name));
  ++totals_.files;
  if (ending.outcomes.rejected + ending.outcomes.unknown > 0)
    ++totals_.with_rejects;
  totals_.records += ending.records;
  totals_.outcomes += ending.outcomes;
  if (ending.file.state == FileState::refused)
    refused(ending.file);
  else
    log_event(parts_.log, LogLevel::info, {LogEvent::file_finished, ending.file.name, 0, {}, {}},
              "{}: {}, {} imported, {} merged, {} rejected, {} unknown", printable(ending.file.name),
              counted(ending.records, "record", "records"), ending.outcomes.imported, ending.outcomes.merged,
              ending.outcomes.rejected, ending.outcomes.unknown);
  if (!ending.tail.empty())
    parts_.log.warn("{} was appended to after it was taken: what was added enters as {}",
                    printable(ending.file.name), printable(ending.tail));
  if (left_behind > 0)
    parts_.log.warn(
        "{} was appended to when it had ended: the last {} of it were not taken, drop them as a file",
        printable(ending.file.name), counted(left_behind, "byte", "bytes"));
  parts_.files.close(ending.file.number);
}

void Settling::refused(const SpoolFile& file) {
  const auto name = shown_name(file);
  ++totals_.refused;
  if (totals_.first_refused.size() < SettledTotals::kMostRefusedNamed)
    totals_.first_refused.push_back(fmt::format("{} refused: {}", name, file.refusal_code));
  auto reason = printable(logged_reason(file.refusal_code, file.refusal_message), kMostReason);
  if (file.refusal_code == kBadHeader)
    reason += fmt::format("{}rejected/{}.error.json has the reason", reason.empty() ? "" : ": ",
                          printable(file.name));
  log_event(parts_.log, LogLevel::warning, {LogEvent::file_refused, file.name, 0, {}, file.refusal_code},
            "{} refused: {}: {}", name, file.refusal_code, reason);
}

boost::asio::awaitable<void> Settling::expire() {
  const auto now = parts_.timers.now().wall;
  auto question = [now, keep = parts_.keep, after = expired_](Ledger& ledger) {
    return Expiry::gather(ledger, now, keep, kExpiryGroup, after);
  };
  auto due = co_await parts_.ledger.ask(std::move(question));
  if (!due || due->empty()) {
    expire_later();
    co_return;
  }
  expired_ = due->reached;
  auto expiring = std::make_shared<Expiring>(std::move(*due));
  auto kept = std::make_shared<std::optional<Error>>();
  auto& expiry = expiry_;
  auto work = [&expiry, expiring, kept] { return expiry.remove(*expiring, *kept); };
  const auto removed = co_await parts_.workers.run(std::move(work));
  if (!removed)
    *kept = removed.error();
  const auto tell = [this](std::string_view what, const Error& error) {
    const auto now_told = parts_.timers.now().boot;
    if (now_told < tell_of_kept_at_)
      return false;
    tell_of_kept_at_ = now_told + kKeptPace;
    parts_.log.error("what was kept long enough cannot be {}: {}", what, error.message);
    return true;
  };
  if (*kept && tell("removed", **kept))
    note_refused(**kept);
  if (!removed)
    expire_later();
  if (!removed || expiring->empty())
    co_return;
  // It can wait: nothing is parked for it, and what is kept back of the disk is for what cannot.
  GroupCommit::Change change = [expiring](Ledger& ledger) { return Expiry::commit(ledger, *expiring); };
  auto forgotten = co_await parts_.ledger.apply(std::move(change));
  if (!forgotten && forgotten.error().code == Errc::no_space) {
    for (auto& file : singly(std::move(*expiring))) {
      change = [file = std::move(file)](Ledger& ledger) { return Expiry::commit(ledger, file); };
      const auto one = co_await parts_.ledger.apply(std::move(change));
      forgotten = one ? one : forgotten;
    }
  }
  if (forgotten)
    co_return;
  tell("forgotten", forgotten.error());
  expire_later();
}

void Settling::expire_later() {
  expired_ = {};
  next_expiry_ = parts_.timers.now().boot + Expiry::pace(parts_.keep);
}

}  // namespace usherd
