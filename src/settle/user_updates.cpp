#include "usherd/settle/user_updates.hpp"

#include "usherd/validate/block_reader.hpp"
#include "usherd/validate/cut_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace usherd {
namespace {

constexpr std::size_t kFilesAtOnce = 256;

/// Which records the operations of one batch stand for.
class RecordPlaces {
 public:
  explicit RecordPlaces(const Manifest& manifest) : manifest_(manifest) {
    starts_.reserve(manifest.runs.size());
    for (const auto& run : manifest.runs) {
      starts_.push_back(operations_);
      operations_ += run.records;
    }
  }

  /// Calls `visit(file, line, folded)` for each record of an operation.
  template <class Visit>
  Result<void> of(std::size_t operation, const Visit& visit) const {
    if (operation < operations_) {
      const auto after = std::upper_bound(starts_.begin(), starts_.end(), operation);
      const auto at = static_cast<std::size_t>(after - starts_.begin()) - 1;
      const auto& run = manifest_.runs[at];
      return visit(run.file, run.line + (operation - starts_[at]), false);
    }
    const auto literal = operation - operations_;
    // Keys of a batch that an older usherd took apart may name more than its manifest still holds.
    if (literal >= manifest_.literals.size())
      return {};
    const auto& sources = manifest_.literals[literal].sources;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (auto visited = visit(sources[i].file, sources[i].line, i + 1 < sources.size()); !visited)
        return visited;
    }
    return {};
  }

 private:
  const Manifest& manifest_;
  std::vector<std::size_t> starts_;
  std::size_t operations_ = 0;
};

/// The batch that was asked for last: finds come in their order.
struct Known {
  BatchId id = 0;
  LedgerReader::BatchFacts facts;
  std::optional<RecordPlaces> places;
};

}  // namespace

/// Of a record in no batch, once for each of its keys that is looked for.
Result<void> UserUpdates::tell(const Record& record, FileNumber file,
                               const std::unordered_set<std::uint64_t>& keys, const Visit& visit) {
  for (const auto key : {record.user, record.second}) {
    if (key == 0 || !keys.contains(key))
      continue;
    if (auto visited = visit({key, file, record.line, 0, false, nullptr}); !visited)
      return visited;
  }
  return {};
}

Result<void> UserUpdates::visit(std::span<const std::uint64_t> keys, const Visit& visit) {
  seen_.clear();
  unsearched_ = {};
  scanned_ = 0;
  // One moment of the ledger, so that nothing slips from the backlog into a batch between the two looks.
  if (auto held = ledger_.hold_still(); !held)
    return held;
  if (auto found = in_batches(keys, visit); !found)
    return found;
  const std::unordered_set<std::uint64_t> wanted(keys.begin(), keys.end());
  if (auto found = in_singles(wanted, visit); !found)
    return found;
  return in_backlog(wanted, visit);
}

Result<void> UserUpdates::in_batches(std::span<const std::uint64_t> keys, const Visit& visit) {
  Known known;
  return ledger_.find_users(keys, [&](const LedgerReader::Found& found) -> Result<void> {
    if (found.batch != known.id) {
      auto facts = ledger_.batch(found.batch);
      if (!facts)
        return facts.error();
      known.places.reset();
      known.facts = std::move(*facts);
      known.places.emplace(known.facts.manifest);
      known.id = found.batch;
    }
    return known.places->of(found.operation, [&](FileNumber file, std::uint64_t line, bool folded) {
      seen_.emplace(file, line);
      return visit({found.key, file, line, found.batch, folded, &known.facts});
    });
  });
}

Result<void> UserUpdates::in_singles(const std::unordered_set<std::uint64_t>& keys, const Visit& visit) {
  const auto singles = ledger_.singles();
  if (!singles)
    return singles.error();
  BlockReader reader(RecordRules{.accept_anonymous = true}, keys_);
  for (const auto& single : *singles) {
    const auto file = ledger_.file(single.file);
    if (!file)
      return file.error();
    if (!*file)
      continue;
    const auto open = files_.open(layout_.readable(**file));
    std::string bytes(single.length, '\0');
    const auto got = open ? (*open)->read_at(bytes, single.offset) : open.error();
    if (!got || *got != bytes.size()) {
      const auto why = open ? std::nullopt : why_shut(**file, open.error());
      unsearched_.add((*file)->name, why.value_or(Unsearched::Why::unreadable));
      continue;
    }
    Record record;
    if (reader.check_line(bytes, single.offset, single.line, &record))
      continue;
    seen_.emplace(single.file, single.line);
    if (auto told = tell(record, single.file, keys, visit); !told)
      return told;
  }
  return {};
}

Result<void> UserUpdates::in_backlog(const std::unordered_set<std::uint64_t>& keys, const Visit& visit) {
  FileNumber after = 0;
  while (true) {
    const auto files = ledger_.open_files(after, kFilesAtOnce);
    if (!files)
      return files.error();
    for (const auto& file : *files) {
      after = file.number;
      if (file.state != FileState::ready) {
        if (file.state == FileState::accepted)
          unsearched_.add(file.name, why_unconverted(file));
        continue;
      }
      if (auto looked = in_file(file, keys, visit); !looked)
        return looked;
    }
    if (files->size() < kFilesAtOnce)
      return {};
  }
}

std::optional<Unsearched::Why> UserUpdates::why_shut(const SpoolFile& file, const Error& error) {
  if (error.code == Errc::denied)
    return Unsearched::Why::unreadable;
  if (error.code != Errc::not_found)
    return std::nullopt;
  // Settled since the ledger was asked: what it held is in batches by now.
  return files_.stat(layout_.done() + "/" + file.name) ? Unsearched::Why::settled : Unsearched::Why::missing;
}

Unsearched::Why UserUpdates::why_unconverted(const SpoolFile& file) {
  const auto open = files_.open(layout_.working_file(file));
  const auto why = open ? std::nullopt : why_shut(file, open.error());
  return why && *why != Unsearched::Why::settled ? *why : Unsearched::Why::converting;
}

Result<void> UserUpdates::in_file(const SpoolFile& file, const std::unordered_set<std::uint64_t>& keys,
                                  const Visit& visit) {
  if (file.mark.offset >= file.read_size)
    return {};
  const auto open = files_.open(layout_.readable(file));
  if (!open) {
    const auto why = why_shut(file, open.error());
    if (!why)
      return open.error();
    unsearched_.add(file.name, *why);
    return {};
  }
  BlockReader reader(RecordRules{.accept_anonymous = true}, keys_);
  CheckedBlock block;
  auto offset = file.mark.offset;
  auto line = file.mark.line;
  while (offset < file.read_size) {
    if (scanned_ >= kMostScanned) {
      unsearched_.add(file.name, Unsearched::Why::large);
      return {};
    }
    auto read = reader.read(**open, offset, line, file.read_size, block);
    // Shorter than it was: what is left of it goes out, and is newer data like any other.
    if (!read && read.error().code == Errc::corrupt)
      read = read_cut_file(reader, **open, offset, line, file.read_size, block);
    if (!read)
      return read;
    for (const auto& record : block.records.all()) {
      if (seen_.contains({file.number, record.line}))
        continue;
      if (auto told = tell(record, file.number, keys, visit); !told)
        return told;
    }
    scanned_ += block.next_offset - offset;
    offset = block.next_offset;
    line = block.next_line;
    if (block.end)
      break;
  }
  return {};
}

}  // namespace usherd
