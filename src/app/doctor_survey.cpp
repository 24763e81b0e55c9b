#include "src/app/doctor_survey.hpp"

#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/core/text.hpp"
#include "usherd/settle/cut_retries.hpp"
#include "usherd/settle/published_end.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

namespace usherd {
namespace {

constexpr std::size_t kPage = 1000;

Result<bool> is_there(Files& disk, const std::string& path) {
  const auto stat = disk.stat(path);
  if (stat)
    return true;
  if (stat.error().code == Errc::not_found)
    return false;
  return stat.error();
}

/// Of an accepted file or of what is derived from one; 0 for all else.
FileNumber file_number(std::string_view name) {
  if (const auto number = SpoolLayout::parse_working_name(name).first; number != 0)
    return number;
  FileNumber number = 0;
  if (name.starts_with('f'))
    std::from_chars(name.data() + 1, name.data() + name.size(), number);
  return number;
}

/// A folder that is gone holds nothing; who calls tells that it is gone.
Result<void> list_working(Files& disk, const SpoolLayout& layout,
                          const std::function<bool(std::string_view)>& visit) {
  auto listed = disk.list(layout.working(), visit);
  return !listed && listed.error().code == Errc::not_found ? Result<void>{} : listed;
}

/// Whether a batch could go out as it is.
LedgerSurvey::Batch look_at_batch(Files& disk, const BatchRow& row, const BodyPaths& paths) {
  LedgerSurvey::Batch batch;
  batch.id = row.id;
  // Of a batch with a job nothing is sent again.
  if (row.state != BatchState::frozen)
    return batch;
  const auto digest = body_digest(disk, row, paths);
  if (digest && *digest == row.digest)
    return batch;
  batch.matches = false;
  batch.unreadable = !digest && !is_gone(digest.error());
  batch.why = digest ? "other bytes stand in its files" : printable(digest.error().message, 400);
  return batch;
}

}  // namespace

Result<std::vector<SpoolFile>> all_open_files(Ledger& ledger) {
  std::vector<SpoolFile> files;
  while (true) {
    auto page = ledger.open_files(files.empty() ? 0 : files.back().number, kPage);
    if (!page)
      return page.error();
    if (page->empty())
      return files;
    files.insert(files.end(), std::make_move_iterator(page->begin()), std::make_move_iterator(page->end()));
  }
}

Result<std::set<FileNumber>> numbers_in_working(Files& disk, const SpoolLayout& layout) {
  std::set<FileNumber> numbers;
  const auto listed = list_working(disk, layout, [&](std::string_view name) {
    if (const auto number = file_number(name); number != 0)
      numbers.insert(number);
    return true;
  });
  if (!listed)
    return listed.error();
  return numbers;
}

Result<SpoolSurvey> survey_spool(Files& disk, const SpoolLayout& layout, const std::vector<SpoolFile>& open) {
  SpoolSurvey survey;
  const auto numbers = read_numbers(disk, layout);
  if (!numbers)
    return numbers.error();
  survey.numbers = *numbers;
  std::vector<std::string> names;
  const auto listed = list_working(disk, layout, [&](std::string_view name) {
    names.emplace_back(name);
    return true;
  });
  if (!listed)
    return listed.error();
  for (const auto& name : names) {
    const auto stat = disk.stat(layout.working() + "/" + name);
    if (!stat)
      return stat.error();
    survey.working.emplace(name, stat->size);
    if (stat->kind != FileKind::regular)
      survey.odd.insert(name);
  }
  for (const auto& file : open) {
    if (survey.working.contains(file.working))
      continue;
    const auto& folder = file.state == FileState::refused ? layout.rejected() : layout.done();
    const auto there = is_there(disk, folder + "/" + file.name);
    if (!there)
      return there.error();
    if (*there)
      survey.published.insert(file.number);
  }
  auto cut = CutRetries(disk, layout).find();
  if (!cut)
    return cut.error();
  survey.cut_retries = std::move(*cut);
  // What cannot be read at all has findings of its own.
  const auto pass = [](const StoredReject&) -> Result<void> { return {}; };
  static_cast<void>(RejectStore(disk, layout).visit({}, pass, &survey.bad_rejects));
  return survey;
}

Result<LedgerSurvey> survey_ledger(Files& disk, const SpoolLayout& layout, Ledger& ledger,
                                   const std::set<FileNumber>& in_working) {
  LedgerSurvey survey;
  const auto last = numbers_of(ledger);
  if (!last)
    return last.error();
  survey.last_file = last->known;
  survey.last_batch = last->batches;
  const auto forgotten = ledger.last_forgotten();
  if (!forgotten)
    return forgotten.error();
  survey.last_forgotten = *forgotten;
  auto open = all_open_files(ledger);
  if (!open)
    return open.error();
  survey.open = std::move(*open);
  OpenFiles files(layout);
  for (const auto& file : survey.open) {
    files.open(file);
    const auto ended = ended_elsewhere(disk, layout, ledger, file);
    if (!ended)
      return ended.error();
    if (*ended)
      survey.ended_elsewhere.insert(file.number);
    const auto visited = ledger.receipt_batches(file.number, [&](const ReceiptBatch& batch) -> Result<void> {
      if (batch.share.has_rejects)
        survey.rejects[file.number].push_back(batch.batch);
      return {};
    });
    if (!visited)
      return visited.error();
  }
  for (const auto number : in_working) {
    const auto row = ledger.file(number);
    if (!row)
      return row.error();
    if (*row && (*row)->state == FileState::settled)
      survey.settled.insert(number);
  }
  const auto visited = ledger.open_batches([&](const BatchRow& row) -> Result<void> {
    survey.batches.push_back(look_at_batch(disk, row, files.paths(row.manifest, row.id)));
    const auto shares = shares_of(row.manifest);
    survey.batches.back().of_ended = std::any_of(shares.begin(), shares.end(), [&](const Share& share) {
      return survey.ended_elsewhere.contains(share.file);
    });
    return {};
  });
  if (!visited)
    return visited.error();
  return survey;
}

}  // namespace usherd
