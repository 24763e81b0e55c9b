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
  if (auto waits = nothing_waits_to_be_accepted(); !waits)
    return waits.error();
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
    const auto settled = has_settled(name);
    if (!settled)
      return settled.error();
    const auto empty = *settled ? RejectStore::Empty::removed : RejectStore::Empty::kept;
    if (auto written = rejects_.rewrite(name, edit, empty); !written)
      return written.error();
  }
  report.done = report.matched;
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

}  // namespace usherd
