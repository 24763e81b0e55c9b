#include "usherd/batch/operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

namespace usherd {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;

}  // namespace

Operations::Operations(Files& files, const Manifest& manifest, BodyPaths paths)
    : files_(&files), manifest_(&manifest), paths_(std::move(paths)) {}

Result<Operations> Operations::find(Files& files, const Manifest& manifest, BodyPaths paths) {
  Operations operations(files, manifest, std::move(paths));
  for (const auto& run : manifest.runs) {
    if (auto located = operations.locate(run); !located)
      return located.error();
  }
  return operations;
}

Operations Operations::known(Files& files, const Manifest& manifest, BodyPaths paths,
                             std::span<const std::uint32_t> lengths) {
  Operations operations(files, manifest, std::move(paths));
  std::size_t next = 0;
  for (const auto& run : manifest.runs) {
    auto offset = run.offset;
    for (std::uint32_t i = 0; i < run.records && next < lengths.size(); ++i, ++next) {
      operations.runs_.push_back({run.file, offset, lengths[next], run.line + i, 1});
      operations.followed_.push_back(i + 1 < run.records);
      offset += lengths[next] + 1;
    }
  }
  return operations;
}

Result<Operations> Operations::find_left(Files& files, const Manifest& manifest, BodyPaths paths) {
  Operations operations(files, manifest, std::move(paths));
  for (const auto& run : manifest.runs) {
    if (auto located = operations.locate_left(run); !located)
      return located.error();
  }
  return operations;
}

Result<Operations> Operations::find_except(Files& files, const Manifest& manifest, BodyPaths paths,
                                           std::span<const FileNumber> changed) {
  Operations operations(files, manifest, std::move(paths));
  for (const auto& run : manifest.runs) {
    if (std::find(changed.begin(), changed.end(), run.file) != changed.end()) {
      operations.guess(run);
      continue;
    }
    if (auto located = operations.locate(run); !located)
      return located.error();
  }
  return operations;
}

const Run& Operations::run_of(std::size_t index) const {
  auto run = manifest_->runs.begin();
  for (; index >= run->records; ++run)
    index -= run->records;
  return *run;
}

void Operations::guess(const Run& run) {
  for (std::uint32_t i = 0; i < run.records; ++i)
    runs_.push_back({run.file, run.offset, run.records == 1 ? run.length : 0, run.line + i, 1});
}

Result<Operations::Found> Operations::search(const Run& run, const std::string& path) {
  auto file = files_->open(path);
  if (!file)
    return file.error();
  const std::uint64_t end = run.offset + run.length;
  std::vector<char> chunk(std::min<std::uint64_t>(kChunk, run.length));
  std::uint64_t start = run.offset;
  std::uint64_t line = run.line;
  const auto add = [&](std::uint64_t stop) {
    runs_.push_back({run.file, start, stop - start, line, 1});
    start = stop + 1;
    ++line;
  };
  for (std::uint64_t at = run.offset; at < end;) {
    const auto got =
        (*file)->read_at(std::span(chunk.data(), std::min<std::uint64_t>(chunk.size(), end - at)), at);
    if (!got)
      return got.error();
    if (*got == 0)
      return line - run.line < run.records ? Found::cut : Found::other;
    const char* from = chunk.data();
    const char* const stop = from + *got;
    while ((from = static_cast<const char*>(
                std::memchr(from, '\n', static_cast<std::size_t>(stop - from)))) != nullptr) {
      add(at + static_cast<std::uint64_t>(from - chunk.data()));
      if (++from == stop)
        break;
    }
    at += *got;
  }
  add(end);
  return line - run.line == run.records ? Found::whole : Found::other;
}

Result<void> Operations::locate(const Run& run) {
  if (run.records == 1) {
    runs_.push_back(run);
    return {};
  }
  const auto known = paths_.files.find(run.file);
  if (!known)
    return Error{Errc::corrupt, fmt::format("file {} of the batch is not in working/", run.file)};
  const auto found = search(run, *known);
  if (!found)
    return found.error();
  if (*found == Found::cut)
    return Error{Errc::corrupt, fmt::format("{} became shorter than when it was accepted", *known)};
  if (*found == Found::other)
    return Error{Errc::corrupt, fmt::format("{} holds other lines than when it was accepted", *known)};
  return {};
}

Result<void> Operations::locate_left(const Run& run) {
  const auto known = paths_.files.find(run.file);
  if (!known || run.records == 1) {
    guess(run);
    return {};
  }
  const auto had = runs_.size();
  const auto found = search(run, *known);
  if (!found && !is_gone(found.error()))
    return found.error();
  if (found && *found == Found::whole)
    return {};
  if (!found || *found == Found::other) {
    runs_.resize(had);
    guess(run);
    return {};
  }
  for (auto next = runs_.size() - had; next < run.records; ++next)
    runs_.push_back({run.file, run.offset, 0, run.line + next, 1});
  return {};
}

Result<std::string> Operations::read(const std::string& path, std::uint64_t offset, std::uint64_t length) {
  if (file_ == nullptr || path != open_path_) {
    auto file = files_->open(path);
    if (!file)
      return file.error();
    file_ = std::move(*file);
    open_path_ = path;
  }
  std::string bytes(length, '\0');
  const auto got = file_->read_at(bytes, offset);
  if (!got)
    return got.error();
  if (*got != bytes.size())
    return Error{Errc::corrupt, fmt::format("{} became shorter than when it was accepted", path)};
  return bytes;
}

Result<std::string> Operations::bytes(const Run& record) {
  const auto known = paths_.files.find(record.file);
  if (!known)
    return Error{Errc::corrupt, fmt::format("file {} of the batch is not in working/", record.file)};
  if (record.length == 0)
    return Error{Errc::corrupt, fmt::format("{} does not hold line {} any more", *known, record.line)};
  return read(*known, record.offset, record.length);
}

Result<std::string> Operations::bytes(std::size_t index) {
  if (!is_merged(index))
    return bytes(runs_[index]);
  return read(paths_.merged, literal(index).offset, literal(index).length);
}

Result<std::string> Operations::bytes_and_newline(std::size_t index) {
  if (is_merged(index) || index >= followed_.size() || !followed_[index])
    return bytes(index);
  auto record = runs_[index];
  ++record.length;
  auto bytes = this->bytes(record);
  if (!bytes)
    return bytes;
  if (bytes->back() != '\n')
    return Error{Errc::corrupt, fmt::format("line {} does not end where it did", record.line)};
  bytes->pop_back();
  return bytes;
}

DraftBatch draft_changed(const Operations& operations, const BatchRow& row,
                         std::span<const std::size_t> indexes) {
  DraftBatch draft;
  auto& runs = draft.manifest.runs;
  for (const auto index : indexes) {
    draft.users.push_back(row.users[index]);
    if (!row.seconds.empty())
      draft.seconds.push_back(row.seconds[index]);
    if (operations.is_merged(index)) {
      draft.manifest.literals.push_back(operations.literal(index));
      continue;
    }
    if (const Run& record = operations.run(index); record.length > 0) {
      runs.push_back(record);
      continue;
    }
    // Where records begin in a run that was not looked at nobody knows: it stays whole, as coverage needs it.
    const Run& whole = operations.run_of(index);
    if (runs.empty() || runs.back() != whole)
      runs.push_back(whole);
  }
  draft.shares = shares_of(draft.manifest);
  draft.body_length = body_length(draft.manifest);
  return draft;
}

Result<DraftBatch> draft_part(Operations& operations, const BatchRow& row,
                              std::span<const std::size_t> indexes) {
  DraftBatch draft;
  auto& manifest = draft.manifest;
  for (const auto index : indexes) {
    draft.users.push_back(row.users[index]);
    if (!row.seconds.empty())
      draft.seconds.push_back(row.seconds[index]);
    if (operations.is_merged(index)) {
      auto bytes = operations.bytes(index);
      if (!bytes)
        return bytes.error();
      Literal literal = operations.literal(index);
      literal.offset = draft.merged_bytes.size();
      draft.merged_bytes += *bytes;
      draft.merged_bytes += '\n';
      draft.lengths.push_back(static_cast<std::uint32_t>(literal.length));
      manifest.literals.push_back(std::move(literal));
      continue;
    }
    const Run& next = operations.run(index);
    draft.lengths.push_back(static_cast<std::uint32_t>(next.length));
    auto& runs = manifest.runs;
    if (!runs.empty() && runs.back().file == next.file &&
        runs.back().line + runs.back().records == next.line) {
      runs.back().length = next.offset + next.length - runs.back().offset;
      ++runs.back().records;
    } else {
      runs.push_back(next);
    }
  }
  draft.sums.resize(draft.lengths.size());
  draft.shares = shares_of(manifest);
  draft.body_length = body_length(manifest);
  return draft;
}

}  // namespace usherd
