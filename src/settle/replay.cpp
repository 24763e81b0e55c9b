#include "usherd/settle/replay.hpp"

#include "src/settle/retry_choice.hpp"
#include "src/settle/retry_file.hpp"
#include "usherd/core/text.hpp"
#include "usherd/settle/cut_retries.hpp"
#include "usherd/spool/incoming_scan.hpp"

#include <fmt/format.h>

#include <utility>

namespace usherd {
namespace {

constexpr int kMostAttempts = 5;

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
  if (auto finished = CutRetries(files_, layout_).finish(); !finished)
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
  if (auto accepted = all_is_accepted(); !accepted)
    return accepted.error();
  RetryChoice choice(ledger_, files_, layout_, keys_, rejects_);
  if (auto made = choice.make(order, report); !made)
    return made.error();
  report.done = choice.chosen().size();
  if (order.dry_run || choice.chosen().empty())
    return report;
  RetryFile file(ledger_, files_, layout_, rejects_, choice);
  auto dropped = file.drop(name, [this] { return nothing_was_accepted(); });
  if (!dropped)
    return dropped.error();
  report.file = std::move(*dropped);
  return report;
}

Result<ReplayReport> Replay::drop(const ReplayOrder& order) {
  ReplayReport report;
  if (auto finished = CutRetries(files_, layout_).finish(); !finished)
    return finished.error();
  auto names = rejects_.names();
  if (!names)
    return names.error();
  // Before anything goes: what cannot be read is met while all is as it was.
  std::vector<std::string> matching;
  for (const auto& name : *names) {
    if (order.filter.file && *order.filter.file != name)
      continue;
    const auto before = report.matched;
    const auto count = [&](const StoredReject& reject) -> Result<void> {
      report.matched += order.filter.matches(reject) ? 1 : 0;
      return {};
    };
    if (auto counted = rejects_.visit_named(name, count); !counted)
      return counted.error();
    if (report.matched > before)
      matching.push_back(name);
  }
  report.done = report.matched;
  if (order.dry_run)
    return report;
  for (const auto& name : matching) {
    const auto edit = [&](const StoredReject& reject) {
      return RejectEdit{order.filter.matches(reject) ? RejectEdit::Kind::remove : RejectEdit::Kind::keep, {}};
    };
    const auto settled = has_settled(name);
    if (!settled)
      return settled.error();
    const auto empty = *settled ? RejectStore::Empty::removed : RejectStore::Empty::kept;
    if (auto written = rejects_.rewrite(name, edit, empty); !written)
      return written.error();
  }
  return report;
}

Result<bool> Replay::has_settled(const std::string& name) {
  const auto file = ledger_.file_named(name);
  if (!file)
    return file.error();
  return !*file || (*file)->state == FileState::settled;
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

Result<std::pair<FileNumber, std::string>> Replay::newest_claimed() {
  std::pair<FileNumber, std::string> newest;
  const auto listed = files_.list(layout_.working(), [&newest](std::string_view name) {
    const auto [number, rest] = SpoolLayout::parse_working_name(name);
    if (number > newest.first)
      newest = {number, std::string(rest)};
    return true;
  });
  if (!listed)
    return listed.error();
  return newest;
}

Result<FileNumber> Replay::all_is_accepted() {
  // In the order in which a file goes on: it cannot slip by between two looks.
  if (auto waits = nothing_waits_to_be_accepted(); !waits)
    return waits.error();
  const auto claimed = newest_claimed();
  if (!claimed)
    return claimed.error();
  if (auto held = ledger_.hold_still(); !held)
    return held.error();
  const auto last = ledger_.last_file_number();
  if (last && claimed->first > *last)
    return Error{Errc::unavailable, fmt::format("{} is being accepted and may hold newer data: try again",
                                                printable(claimed->second))};
  return last;
}

Result<void> Replay::nothing_was_accepted() {
  const auto before = ledger_.last_file_number();
  if (!before)
    return before.error();
  const auto now = all_is_accepted();
  if (!now)
    return now.error();
  if (*now != *before)
    return Error{Errc::unavailable, "files were accepted meanwhile, which may hold newer data: try again"};
  return {};
}

}  // namespace usherd
