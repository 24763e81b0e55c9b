#include "usherd/settle/batch_end.hpp"

#include "usherd/settle/reject_line.hpp"
#include "usherd/spool/origin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

namespace usherd {
namespace {

/// The reject files of one batch, one for each file of the spool that has lines in it.
class ShareRejects {
 public:
  ShareRejects(Files& disk, const SpoolLayout& layout, const BatchRow& row,
               const std::unordered_map<FileNumber, SpoolFile>& files)
      : disk_(disk), layout_(layout), row_(row), files_(files) {}

  Result<void> add(const Run& record, std::string_view bytes, OperationEnd end, const Reason& reason) {
    const auto known = files_.find(record.file);
    if (known == files_.end())
      return Error{Errc::corrupt, fmt::format("file {} of the batch is unknown", record.file)};
    Out& out = outs_[record.file];
    if (out.file == nullptr) {
      if (auto opened = open(record.file, out); !opened)
        return opened;
    }
    const auto origin = origin_of(disk_, layout_, known->second, record.line, record.offset);
    if (!origin)
      return origin.error();
    RejectLine line;
    line.file = known->second.name;
    line.line = origin->line;
    line.offset = origin->offset;
    line.stage = end == OperationEnd::rejected ? Stage::api : Stage::unknown;
    line.code = reason.code;
    line.message = reason.message;
    line.batch = row_.id;
    line.job = row_.job;
    line.record = bytes;
    append_reject_line(out.pending, line);
    if (out.pending.size() < kFlush)
      return {};
    return flush(out);
  }

  Result<void> finish() {
    if (auto closed = close_all(); !closed)
      return closed;
    for (const auto& [number, out] : outs_) {
      if (auto synced = disk_.sync(layout_.batch_rejects(number, row_.id)); !synced)
        return synced;
    }
    if (outs_.empty())
      return {};
    return disk_.sync(layout_.working());
  }

  [[nodiscard]] bool has(FileNumber number) const { return outs_.contains(number); }

 private:
  static constexpr std::size_t kFlush = std::size_t{64} << 10;
  /// A batch may hold records of thousands of files, more than a process may have open.
  static constexpr std::size_t kMostOpen = 64;
  struct Out {
    std::unique_ptr<WriteFile> file;
    std::string pending;
    std::uint64_t length = 0;
  };
  Result<void> open(FileNumber number, Out& out) {
    if (open_ == kMostOpen) {
      if (auto closed = close_all(); !closed)
        return closed;
    }
    // What a try before left there goes.
    const auto mode = out.length == 0 ? WriteMode::truncate : WriteMode::extend;
    auto file = disk_.write(layout_.batch_rejects(number, row_.id), mode, out.length);
    if (!file)
      return file.error();
    out.file = std::move(*file);
    ++open_;
    return {};
  }
  Result<void> flush(Out& out) {
    auto written = out.file->append(out.pending);
    out.length += out.pending.size();
    out.pending.clear();
    return written;
  }
  Result<void> close_all() {
    for (auto& [number, out] : outs_) {
      if (out.file == nullptr)
        continue;
      if (auto flushed = flush(out); !flushed)
        return flushed;
      out.file.reset();
    }
    open_ = 0;
    return {};
  }

  Files& disk_;
  const SpoolLayout& layout_;
  const BatchRow& row_;
  const std::unordered_map<FileNumber, SpoolFile>& files_;
  std::map<FileNumber, Out> outs_;
  std::size_t open_ = 0;
};

/// Counts outcomes by file.
class ShareCounts {
 public:
  ShareCounts(const std::vector<Share>& shares, bool rekeyed) : shares_(shares), rekeyed_(rekeyed) {
    for (auto& share : shares_)
      share.outcomes = Outcomes{};
  }
  void count(FileNumber file, std::uint64_t Outcomes::*outcome, std::uint64_t records = 1) {
    const auto share =
        std::find_if(shares_.begin(), shares_.end(), [&](const Share& s) { return s.file == file; });
    if (share == shares_.end())
      return;
    share->outcomes.*outcome += records;
    if (rekeyed_)
      share->outcomes.rekeyed += records;
  }
  void drop(FileNumber file) {
    for (auto& share : shares_) {
      if (share.file == file)
        --share.records;
    }
  }
  [[nodiscard]] std::vector<Share>& shares() { return shares_; }

 private:
  std::vector<Share> shares_;
  bool rekeyed_;
};

/// Applies a verdict, operation by operation.
class Applied {
 public:
  Applied(Operations& operations, const BatchRow& row, const BatchVerdict& verdict, ShareRejects& rejects,
          ShareCounts& counts)
      : operations_(operations), row_(row), verdict_(verdict), rejects_(rejects), counts_(counts) {}

  Result<void> run(BatchEnd& end) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const bool listed = next < verdict_.entries.size() && verdict_.entries[next].index == i;
      const BatchVerdict::Entry* entry = listed ? &verdict_.entries[next++] : nullptr;
      auto applied = operations_.is_merged(i) ? merged(i, entry, end) : single(i, entry, end);
      if (!applied)
        return applied;
    }
    return {};
  }

 private:
  Result<void> single(std::size_t index, const BatchVerdict::Entry* entry, BatchEnd& end) {
    const Run& run = operations_.run(index);
    if (entry == nullptr || entry->end == OperationEnd::imported) {
      counts_.count(run.file, &Outcomes::imported);
      return {};
    }
    return refuse(run, *entry, end);
  }

  Result<void> refuse(const Run& run, const BatchVerdict::Entry& entry, BatchEnd& end) {
    const bool rejected = entry.end == OperationEnd::rejected;
    counts_.count(run.file, rejected ? &Outcomes::rejected : &Outcomes::unknown);
    auto& reason = end.reasons[entry.reason];
    ++(rejected ? reason.rejected : reason.unknown);
    const auto bytes = operations_.bytes(run);
    if (!bytes && !is_gone(bytes.error()))
      return bytes.error();
    // A file that is not what it was has lost its bytes; the line says where they stood.
    const std::string_view record = bytes ? std::string_view(*bytes) : std::string_view();
    return rejects_.add(run, record, entry.end, verdict_.reasons[entry.reason]);
  }

  Result<void> merged(std::size_t index, const BatchVerdict::Entry* entry, BatchEnd& end) {
    const Literal& literal = operations_.literal(index);
    if (entry == nullptr || entry->end == OperationEnd::imported) {
      for (std::size_t i = 0; i + 1 < literal.sources.size(); ++i)
        counts_.count(literal.sources[i].file, &Outcomes::merged);
      counts_.count(literal.sources.back().file, &Outcomes::imported);
      return {};
    }
    if (entry->end == OperationEnd::unknown) {
      for (const auto& source : literal.sources) {
        if (auto refused = refuse(source, *entry, end); !refused)
          return refused;
      }
      return {};
    }
    if (!end.manifest)
      end.manifest = row_.manifest;
    auto& literals = end.manifest->literals;
    literals.erase(std::find(literals.begin(), literals.end(), literal));
    for (const auto& source : literal.sources)
      counts_.drop(source.file);
    end.taken_apart.push_back(TakenApart{row_.users[index], literal.sources});
    return {};
  }

  Operations& operations_;
  const BatchRow& row_;
  const BatchVerdict& verdict_;
  ShareRejects& rejects_;
  ShareCounts& counts_;
};

/// Everything imported: no record need be found.
void count_all_imported(const Manifest& manifest, ShareCounts& counts) {
  for (const auto& run : manifest.runs)
    counts.count(run.file, &Outcomes::imported, run.records);
  for (const auto& literal : manifest.literals) {
    for (std::size_t i = 0; i + 1 < literal.sources.size(); ++i)
      counts.count(literal.sources[i].file, &Outcomes::merged);
    counts.count(literal.sources.back().file, &Outcomes::imported);
  }
}

}  // namespace

std::vector<Run> BatchEnd::singles() const {
  std::vector<Run> runs;
  for (const auto& user : taken_apart)
    runs.insert(runs.end(), user.sources.begin(), user.sources.end());
  return runs;
}

Result<BatchEnd> write_batch_end(Files& disk, const SpoolLayout& layout, const BatchRow& row,
                                 const std::vector<Share>& shares, const BatchVerdict& verdict,
                                 const BodyPaths& paths,
                                 const std::unordered_map<FileNumber, SpoolFile>& files) {
  BatchEnd end;
  ShareCounts counts(shares, !row.rekey_reason.empty());
  if (verdict.entries.empty()) {
    count_all_imported(row.manifest, counts);
    end.shares = std::move(counts.shares());
    return end;
  }
  auto operations = Operations::find_left(disk, row.manifest, paths);
  if (!operations)
    return operations.error();
  end.reasons.resize(verdict.reasons.size());
  ShareRejects rejects(disk, layout, row, files);
  if (auto applied = Applied(*operations, row, verdict, rejects, counts).run(end); !applied)
    return applied.error();
  if (auto finished = rejects.finish(); !finished)
    return finished.error();
  end.shares = std::move(counts.shares());
  for (auto& share : end.shares)
    share.has_rejects = rejects.has(share.file);
  return end;
}

}  // namespace usherd
