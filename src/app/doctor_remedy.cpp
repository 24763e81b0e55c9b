#include "src/app/doctor_survey.hpp"
#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/core/text.hpp"
#include "usherd/settle/batch_end.hpp"
#include "usherd/settle/cut_retries.hpp"
#include "usherd/spool/emptied_note.hpp"
#include "usherd/spool/file_name.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <unordered_map>

namespace usherd {
namespace {

constexpr std::uint64_t kMostNumber = 10'000;

WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// The usual machinery ends what was accepted of a file that is too short; it needs the file for that.
Result<void> put_empty_file(Files& disk, const SpoolLayout& layout, const std::string& path, WriteMode mode) {
  const auto file = disk.write(path, mode);
  if (!file)
    return file.error();
  if (auto synced = (*file)->sync(); !synced)
    return synced;
  return disk.sync(layout.working());
}

Result<void> put_empty_in_place(Files& disk, const SpoolLayout& layout, const Finding& missing) {
  auto noted = put_empty_file(disk, layout, emptied_note(layout, missing.file), WriteMode::truncate);
  if (!noted)
    return noted;
  return put_empty_file(disk, layout, layout.working() + "/" + missing.name, WriteMode::create);
}

Result<void> rename_back(Files& disk, const SpoolLayout& layout, Ledger& ledger, const Finding& renamed) {
  const auto file = ledger.file(renamed.file);
  if (!file)
    return file.error();
  if (!*file)
    return Error{Errc::not_found, fmt::format("file {} is not in the ledger", renamed.file)};
  if (auto moved = disk.rename(layout.working() + "/" + renamed.name, layout.working_file(**file)); !moved)
    return moved;
  return disk.sync(layout.working());
}

Result<void> move_to_incoming(Files& disk, const SpoolLayout& layout, const std::string& working) {
  const std::string name(SpoolLayout::parse_working_name(working).second);
  const auto from = layout.working() + "/" + working;
  auto moved = disk.rename(from, layout.incoming() + "/" + name);
  for (std::uint64_t number = 2; !moved && moved.error().code == Errc::exists && number < kMostNumber;
       ++number)
    moved = disk.rename(from, layout.incoming() + "/" + numbered_name(name, number));
  if (!moved)
    return moved;
  if (auto synced = disk.sync(layout.incoming()); !synced)
    return synced;
  return disk.sync(layout.working());
}

/// In place of a conversion that is not to be had any more.
Result<void> put_empty_conversion(Files& disk, const SpoolLayout& layout, const SpoolFile& file) {
  auto put = put_empty_file(disk, layout, layout.records(file.number), WriteMode::truncate);
  const auto format = format_of(file.original);
  const bool has_origins = !format || format->format != Format::ndjson;
  if (put && has_origins)
    put = put_empty_file(disk, layout, layout.origins(file.number), WriteMode::truncate);
  return put;
}

Result<void> convert_again(Files& disk, const SpoolLayout& layout, Ledger& ledger, FileNumber number,
                           const ConvertLimits& limits) {
  const auto file = ledger.file(number);
  if (!file)
    return file.error();
  if (!*file)
    return Error{Errc::not_found, fmt::format("file {} is not in the ledger", number)};
  const auto converted = convert_file(disk, layout, **file, limits);
  if (!converted)
    return converted.error();
  // It may be whole: what forbids it are the limits of today.
  if (converted->refusal && converted->refusal->code == kTooLargeUnpacked)
    return Error{Errc::corrupt, converted->refusal->message};
  // It is not the file that was accepted, and nothing else must be sent in its name.
  if (converted->refusal || converted->read_size != (*file)->read_size)
    return put_empty_conversion(disk, layout, **file);
  return {};
}

Result<std::unique_ptr<BatchRow>> open_batch(Ledger& ledger, BatchId id) {
  std::unique_ptr<BatchRow> found;
  const auto visited = ledger.open_batches([&](BatchRow row) -> Result<void> {
    if (row.id == id)
      found = std::make_unique<BatchRow>(std::move(row));
    return {};
  });
  if (!visited)
    return visited.error();
  if (!found)
    return Error{Errc::not_found, fmt::format("batch {} is not open", id)};
  return found;
}

Result<void> end_as_unknown(Files& disk, const SpoolLayout& layout, Ledger& ledger, BatchId id) {
  const auto row = open_batch(ledger, id);
  if (!row)
    return row.error();
  const auto open = all_open_files(ledger);
  if (!open)
    return open.error();
  OpenFiles files(layout);
  std::unordered_map<FileNumber, SpoolFile> by_number;
  for (const auto& file : *open) {
    files.open(file);
    by_number.emplace(file.number, file);
  }
  // What was made again just now may have set it right.
  const auto digest = body_digest(disk, **row, files.paths((*row)->manifest, id));
  if (digest && *digest == (*row)->digest)
    return {};
  auto shares = shares_of((*row)->manifest);
  for (auto& share : shares)
    share.batch = id;
  const auto verdict = BatchVerdict::all((*row)->manifest.operations(), OperationEnd::unknown, "file_changed",
                                         "the file was changed after it was accepted");
  const auto end =
      write_batch_end(disk, layout, **row, shares, verdict, files.paths((*row)->manifest, id), by_number);
  if (!end)
    return end.error();
  return ledger.transaction([&] { return ledger.batch_ended(id, end->shares, wall_now(), nullptr, {}); });
}

}  // namespace

Result<void> remedy(Files& disk, const SpoolLayout& layout, Ledger& ledger, const Finding& finding,
                    const ConvertLimits& limits) {
  switch (finding.kind) {
    case FindingKind::older_state:
      return finding.file == 0 ? go_on_above(disk, layout, ledger)
                               : take_end_over(disk, layout, ledger, finding.file);
    case FindingKind::missing_file:
      return put_empty_in_place(disk, layout, finding);
    case FindingKind::renamed:
      return rename_back(disk, layout, ledger, finding);
    case FindingKind::orphan:
      return move_to_incoming(disk, layout, finding.name);
    case FindingKind::changed_batch:
      return end_as_unknown(disk, layout, ledger, finding.batch);
    case FindingKind::missing_part:
      return convert_again(disk, layout, ledger, finding.file, limits);
    case FindingKind::leftover:
      return disk.remove(layout.working() + "/" + finding.name);
    case FindingKind::cut_retry:
      return CutRetries(disk, layout).finish();
    case FindingKind::damaged_ledger:
    case FindingKind::not_together:
    case FindingKind::newer_ledger:
    case FindingKind::odd_folder:
    case FindingKind::foreign:
    case FindingKind::short_file:
    case FindingKind::unreadable:
    case FindingKind::missing_folder:
    case FindingKind::wrong_owner:
    case FindingKind::bad_reject:
      break;
  }
  return Error{Errc::invalid, "nothing can be done about it here"};
}

}  // namespace usherd
