#include "usherd/app/file_feed.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace usherd {
namespace {

/// Files asked of the ledger at once.
constexpr std::size_t kPage = 256;
/// How much is read between two durable marks: what a restart reads again at most, besides what waits.
constexpr std::uint64_t kCheckpointBytes = 64U << 20;

/// Whose it was cannot be told any more.
Record changed_record(const Run& run) {
  Record record;
  record.offset = run.offset;
  record.line = run.line;
  record.length = static_cast<std::uint32_t>(run.length);
  record.flags = kChanged;
  return record;
}

}  // namespace

FileFeed::FileFeed(Parts parts)
    : parts_(std::move(parts)),
      conversion_(FileConversion::Parts{parts_.loop, parts_.tasks, parts_.recorder, parts_.disk,
                                        parts_.workers, parts_.files.layout(), std::move(parts_.convert)}),
      blocks_(parts_.loop, parts_.timers, parts_.batcher),
      reader_(make_reader()),
      arrived_(parts_.loop),
      closed_(parts_.loop) {
  parts_.files.on_close([this] { closed_.notify(); });
}

BlockReader FileFeed::make_reader() {
  return BlockReader(parts_.rules, parts_.keys, BlockReader::kBlockBytes, &blocks_.pool());
}

FileFeed::~FileFeed() {
  parts_.files.on_close({});
}

void FileFeed::files_arrived() {
  news_ = true;
  idle_ = false;
  arrived_.notify();
}

void FileFeed::intake_ended() {
  intake_ended_ = true;
  files_arrived();
}

void FileFeed::stop() {
  stopping_ = true;
  conversion_.stop();
  blocks_.stop();
  arrived_.notify();
  closed_.notify();
}

boost::asio::awaitable<void> FileFeed::run() {
  FileNumber after = 0;
  const bool placed = co_await place_late_singles();
  if (!placed)
    co_return;
  while (!stopping_) {
    news_ = false;
    auto question = [after](Ledger& ledger) { return ledger.open_files(after, kPage); };
    const auto files = co_await parts_.ledger.ask(std::move(question));
    if (!files) {
      const bool again = co_await parts_.recorder.wait_for_disk(files.error(), Purpose::begin);
      if (!again)
        co_return;
      continue;
    }
    for (auto file = files->begin(); file != files->end(); ++file) {
      const bool has_place = co_await wait_for_place(*file);
      if (!has_place)
        co_return;
      next_ = file->number;
      const auto next = std::next(file);
      const bool read = co_await read_file(*file, next == files->end() ? nullptr : &*next);
      if (!read)
        co_return;
      after = file->number;
    }
    if (files->empty() && !news_) {
      idle_ = true;
      parts_.batcher.set_flushing(intake_ended_);
      blocks_.allow_none();
      if (on_idle_)
        on_idle_();
      co_await arrived_.wait();
    }
  }
}

boost::asio::awaitable<Result<void>> FileFeed::recover() {
  auto question = [](Ledger& ledger) { return ledger.singles(); };
  const auto singles = co_await parts_.ledger.ask(std::move(question));
  if (!singles)
    co_return singles.error();
  for (const auto& run : *singles) {
    const auto number = run.file;
    auto find = [number](Ledger& ledger) { return ledger.file(number); };
    const auto file = co_await parts_.ledger.ask(std::move(find));
    if (!file)
      co_return file.error();
    if (!*file)
      co_return Error{Errc::corrupt,
                      fmt::format("a record of file {} is to be sent, but the file is unknown", number)};
    parts_.files.at(parts_.files.open(**file)).progress.found_frozen(1);
    // In their order: behind one that cannot be read now the next may be the same user's.
    const auto placed = late_.empty() ? co_await place_single(run) : Error{Errc::unavailable, {}};
    if (!placed)
      late_.push_back(run);
  }
  co_return Result<void>{};
}

boost::asio::awaitable<Result<void>> FileFeed::place_single(Run run) {
  const auto slot = *parts_.files.slot(run.file);
  const auto& file = parts_.files.at(slot).file;
  auto& disk = parts_.disk;
  auto& reader = reader_;
  auto& block = piece_.block;
  const auto path = parts_.files.layout().readable(file);
  auto work = [&disk, &reader, &block, run, path]() -> Result<void> {
    auto source = disk.open(path);
    if (!source)
      return source.error();
    return reader.read(**source, run.offset, run.line, run.offset + run.length, block);
  };
  const auto read = co_await parts_.workers.run(std::move(work));
  if (!read && !is_gone(read.error()))
    co_return read.error();
  const bool is_whole = read && block.records.size() == 1;
  if (!is_whole)
    parts_.log.error("{}: line {} is not the record that was accepted: it ends unknown (file_changed)",
                     printable(file.name), run.line);
  const auto record = is_whole ? block.records.all().front() : changed_record(run);
  parts_.batcher.place_single(QueuedRecord{record, slot});
  block.blocks.clear();
  co_return Result<void>{};
}

boost::asio::awaitable<bool> FileFeed::place_late_singles() {
  for (const auto& run : late_) {
    const auto name = printable(parts_.files.find(run.file)->file.name);
    auto placed = co_await place_single(run);
    while (!placed) {
      const bool again = co_await parts_.recorder.wait_for_one(name, placed.error(), Purpose::begin);
      if (!again)
        co_return false;
      placed = co_await place_single(run);
    }
    parts_.recorder.note_moving(name);
  }
  late_.clear();
  co_return !stopping_;
}

void FileFeed::note_unreadable(const SpoolFile& file, const Error& error) {
  parts_.log.error("{} cannot be read: {}; stop usherd and run 'usherd doctor'", printable(file.name),
                   error.message);
  ++unreadable_;
  parts_.files.find(file.number)->stuck = "it cannot be read: " + error.message;
}

boost::asio::awaitable<Result<Coverage>> FileFeed::coverage_of(const SpoolFile& file) {
  auto question = [number = file.number, mark = file.mark](Ledger& ledger) -> Result<Coverage> {
    Coverage coverage;
    const auto visit = [&](const Manifest& manifest) -> Result<void> {
      coverage.add(manifest, number, mark);
      return {};
    };
    if (auto read = ledger.coverage(number, mark.offset, visit); !read)
      return read.error();
    // Read at one moment with the manifests: a single record is frozen, or a merged one taken apart, while
    // files that came before this one are still being read.
    const auto singles = ledger.singles_of(number, mark.offset);
    if (!singles)
      return singles.error();
    for (const auto& run : *singles)
      coverage.add(run);
    coverage.close();
    return coverage;
  };
  co_return co_await parts_.ledger.ask(std::move(question));
}

boost::asio::awaitable<bool> FileFeed::wait_for_place(const SpoolFile& file) {
  // One of which a batch holds records is open already. Those that cannot be read stay open for ever.
  while (!stopping_ && !parts_.files.slot(file.number) &&
         parts_.files.size() >= parts_.open_files + unreadable_)
    co_await closed_.wait();
  co_return !stopping_;
}

boost::asio::awaitable<bool> FileFeed::read_file(SpoolFile file, const SpoolFile* next) {
  const auto converted = co_await conversion_.finish(file);
  if (converted == FileConversion::End::stopping)
    co_return false;
  if (next != nullptr)
    conversion_.begin(*next);
  const auto slot = parts_.files.open(file);
  begun_ = file.number;
  if (converted == FileConversion::End::missing) {
    note_unreadable(file, conversion_.error());
    co_return true;
  }
  if (file.state == FileState::refused) {
    parts_.files.at(slot).progress.reached_end();
    parts_.on_read(file.number);
    co_return true;
  }
  while (true) {
    const auto coverage = co_await coverage_of(file);
    if (coverage)
      co_return co_await read_blocks(slot, *coverage);
    const bool again = co_await parts_.recorder.wait_for_disk(coverage.error(), Purpose::begin);
    if (!again)
      co_return false;
  }
}

std::optional<FileReading::Stretch> FileFeed::next_stretch(std::uint32_t slot, const Coverage& coverage) {
  auto& entry = parts_.files.at(slot);
  auto& progress = entry.progress;
  const auto end = entry.file.read_size;
  while (true) {
    const ReadMark at = progress.read();
    const Run* covered = coverage.next(at.offset);
    if (covered != nullptr && covered->offset <= at.offset) {
      ReadMark behind = at;
      behind.offset = std::min(end, covered->offset + covered->length + 1);
      behind.line = covered->line + covered->records;
      behind.records += covered->records;
      progress.block_read(behind, 0);
      continue;
    }
    if (at.offset >= end)
      return std::nullopt;
    return FileReading::Stretch{at, covered == nullptr ? end : covered->offset};
  }
}

void FileFeed::set_rules(RecordRules rules) {
  parts_.rules = rules;
  // A worker may be using the reader.
  rules_changed_ = true;
}

boost::asio::awaitable<bool> FileFeed::read_blocks(std::uint32_t slot, const Coverage& coverage) {
  const SpoolFile file = parts_.files.at(slot).file;
  FileReading reading(
      FileReading::Parts{parts_.recorder, parts_.disk, parts_.workers, parts_.files.layout(), reader_}, file);
  std::uint64_t marked = file.mark.offset;
  while (const auto stretch = next_stretch(slot, coverage)) {
    if (std::exchange(rules_changed_, false)) {
      // What a failed sync loses is rejected again, which must be by the old rules.
      const bool durable = co_await reading.sync();
      if (!durable)
        co_return false;
      reader_ = make_reader();
    }
    blocks_.allow(parts_.sessions);
    // What one block holds is soon read again, and there may be many such files.
    if (file.read_size > BlockReader::kBlockBytes)
      co_await blocks_.wait(stretch->limit - stretch->at.offset);
    const auto end = stopping_ ? FileReading::End::stopping : co_await reading.read(*stretch, piece_);
    if (end == FileReading::End::stopping)
      co_return false;
    if (end == FileReading::End::unreadable) {
      note_unreadable(file, reading.error());
      co_return true;
    }
    auto& block = piece_.block;
    parts_.files.at(slot).progress.block_read(piece_.after, block.records.size());
    parts_.tally.locally_rejected(block.rejections, parts_.timers.now().wall);
    co_await parts_.batcher.place(block, slot);
    block.blocks.clear();
    if (piece_.after.offset - marked >= kCheckpointBytes) {
      marked = piece_.after.offset;
      const bool durable = co_await checkpoint(slot, reading);
      if (!durable)
        co_return false;
    }
  }
  if (stopping_)
    co_return false;
  const bool durable = co_await reading.sync();
  if (!durable)
    co_return false;
  parts_.files.at(slot).progress.reached_end();
  parts_.on_read(file.number);
  co_return true;
}

boost::asio::awaitable<bool> FileFeed::checkpoint(std::uint32_t slot, FileReading& reading) {
  const bool synced = co_await reading.sync();
  if (!synced)
    co_return false;
  const auto& entry = parts_.files.at(slot);
  const auto number = entry.file.number;
  const auto mark = entry.progress.mark();
  GroupCommit::Change change = [number, mark](Ledger& ledger) { return ledger.move_mark(number, mark); };
  co_return co_await parts_.recorder.record(std::move(change), Purpose::begin);
}

}  // namespace usherd
