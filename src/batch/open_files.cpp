#include "usherd/batch/open_files.hpp"

#include "usherd/batch/manifest_builder.hpp"

#include <algorithm>

namespace usherd {

std::uint32_t OpenFiles::open(const SpoolFile& file) {
  if (const auto known = by_number_.find(file.number); known != by_number_.end()) {
    slots_[known->second]->file = file;
    return known->second;
  }
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
    numbers_.push_back(0);
  } else {
    index = free_.back();
    free_.pop_back();
  }
  slots_[index] = std::make_unique<Entry>(Entry{file, FileProgress(file)});
  numbers_[index] = file.number;
  by_number_.emplace(file.number, index);
  return index;
}

OpenFiles::Entry* OpenFiles::find(FileNumber number) {
  const auto known = by_number_.find(number);
  return known == by_number_.end() ? nullptr : &*slots_[known->second];
}

std::optional<std::uint32_t> OpenFiles::slot(FileNumber number) const {
  const auto known = by_number_.find(number);
  return known == by_number_.end() ? std::nullopt : std::optional(known->second);
}

void OpenFiles::close(FileNumber number) {
  const auto known = by_number_.find(number);
  if (known == by_number_.end())
    return;
  slots_[known->second].reset();
  numbers_[known->second] = 0;
  free_.push_back(known->second);
  by_number_.erase(known);
  if (closed_)
    closed_();
}

void OpenFiles::frozen(const Manifest& manifest, std::span<const std::uint32_t> lengths,
                       std::span<const Run> again) {
  for (const auto& run : again)
    find(run.file)->progress.freezes_again(run.offset);
  for (const auto& run : manifest.runs) {
    find(run.file)->progress.frozen(run.offset, lengths.first(run.records));
    lengths = lengths.subspan(run.records);
  }
  for (const auto& literal : manifest.literals) {
    for (const auto& source : literal.sources)
      find(source.file)->progress.frozen(source.offset);
  }
}

BodyPaths OpenFiles::paths(const Manifest& manifest, BatchId batch) const {
  return paths(shares_of(manifest), batch);
}

BodyPaths OpenFiles::paths(const std::vector<Share>& shares, BatchId batch) const {
  BodyPaths paths;
  for (const auto& share : shares) {
    if (const auto known = by_number_.find(share.file); known != by_number_.end())
      paths.files.put(share.file, layout_.readable(slots_[known->second]->file));
  }
  paths.merged = layout_.merged(batch);
  return paths;
}

std::uint64_t OpenFiles::unread_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& slot : slots_) {
    if (slot && !slot->progress.at_end())
      bytes += slot->file.read_size - std::min(slot->file.read_size, slot->progress.read().offset);
  }
  return bytes;
}

}  // namespace usherd
