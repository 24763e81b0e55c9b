#include "src/settle/end_paths.hpp"
#include "src/settle/moves.hpp"
#include "usherd/core/text.hpp"
#include "usherd/settle/receipt.hpp"
#include "usherd/settle/settlement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kPiece = 256 << 10;
constexpr auto kWhole = std::numeric_limits<std::uint64_t>::max();

/// Appends files to another one and counts the lines that went.
class Joiner {
 public:
  Joiner(Files& files, WriteFile& out) : files_(files), out_(out), buffer_(kPiece) {}

  /// The first `length` bytes of a file, or all of it. Errc::corrupt when it is missing or shorter.
  [[nodiscard]] Result<void> add(const std::string& path, std::uint64_t length) {
    auto in = files_.open(path);
    if (!in && is_gone(in.error()))
      return missing(path, "is missing");
    if (!in)
      return in.error();
    std::uint64_t done = 0;
    while (done < length) {
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(length - done, buffer_.size()));
      const auto got = (*in)->read_at({buffer_.data(), want}, done);
      if (!got)
        return got.error();
      if (*got == 0)
        return length == kWhole ? Result<void>{} : missing(path, "is shorter than the ledger says");
      lines_ += static_cast<std::uint64_t>(std::count(buffer_.data(), buffer_.data() + *got, '\n'));
      auto written = out_.append({buffer_.data(), *got});
      if (!written)
        return written;
      done += *got;
    }
    return {};
  }
  [[nodiscard]] std::uint64_t lines() const { return lines_; }

 private:
  static Error missing(const std::string& path, std::string_view what) {
    return {Errc::corrupt, fmt::format("{} {}", printable(path, 400), what)};
  }

  Files& files_;
  WriteFile& out_;
  std::vector<char> buffer_;
  std::uint64_t lines_ = 0;
};

Result<void> join_rejects(Files& files, const SpoolLayout& layout, const Ending& ending, WriteFile& out) {
  Joiner joiner(files, out);
  const auto number = ending.file.number;
  if (ending.file.mark.local_length > 0) {
    auto added = joiner.add(layout.local_rejects(number), ending.file.mark.local_length);
    if (!added)
      return added;
  }
  for (const auto& batch : ending.batches) {
    if (!batch.share.has_rejects)
      continue;
    auto added = joiner.add(layout.batch_rejects(number, batch.batch), kWhole);
    if (!added)
      return added;
  }
  const auto expected = ending.outcomes.rejected + ending.outcomes.unknown;
  if (joiner.lines() != expected)
    return Error{Errc::corrupt,
                 fmt::format("file {}: {} reject lines for {} records", number, joiner.lines(), expected)};
  return {};
}

Result<void> write_receipt(const Ending& ending, WriteFile& out) {
  Receipt receipt;
  receipt.file = ending.file.name;
  receipt.sequence = ending.file.number;
  receipt.accepted = ending.file.accepted;
  receipt.finished = ending.finished;
  receipt.bytes = ending.file.size;
  receipt.records = ending.records;
  receipt.outcomes = ending.outcomes;
  receipt.original = ending.file.original;
  receipt.tail = ending.tail;
  ReceiptWriter writer(out);
  auto written = writer.begin(receipt);
  for (const auto& batch : ending.batches) {
    if (!written)
      return written;
    written = writer.add(batch);
  }
  return written ? writer.end() : written;
}

}  // namespace

std::string unfinished(const SpoolLayout& layout, FileNumber number, std::string_view kind) {
  return fmt::format("{}/f{:012}.{}.tmp", layout.working(), number, kind);
}

Result<void> Settlement::prepare(const Ending& ending) const {
  if (ending.file.state == FileState::refused)
    return prepare_refusal(ending);
  auto rejects = prepare_rejects(ending);
  return rejects ? prepare_receipt(ending) : rejects;
}

// What already stands in its place was whole when it was moved there, and stays as it is: its parts may be
// gone.
Result<void> Settlement::prepare_rejects(const Ending& ending) const {
  if (ending.outcomes.rejected + ending.outcomes.unknown == 0)
    return {};
  const auto there = is_there(files_, EndPaths(layout_, ending.file.name).rejects());
  if (!there)
    return there.error();
  if (*there)
    return {};
  auto out = files_.write(unfinished(layout_, ending.file.number, "rejects"), WriteMode::truncate);
  if (!out)
    return out.error();
  auto joined = join_rejects(files_, layout_, ending, **out);
  return joined ? (*out)->sync() : joined;
}

Result<void> Settlement::prepare_receipt(const Ending& ending) const {
  const auto there = is_there(files_, EndPaths(layout_, ending.file.name).receipt());
  if (!there)
    return there.error();
  if (*there)
    return {};
  auto out = files_.write(unfinished(layout_, ending.file.number, "receipt"), WriteMode::truncate);
  if (!out)
    return out.error();
  auto written = write_receipt(ending, **out);
  return written ? (*out)->sync() : written;
}

Result<void> Settlement::prepare_refusal(const Ending& ending) const {
  const auto there = is_there(files_, EndPaths(layout_, ending.file.name).refusal());
  if (!there)
    return there.error();
  if (*there)
    return {};
  auto out = files_.write(unfinished(layout_, ending.file.number, "error"), WriteMode::truncate);
  if (!out)
    return out.error();
  auto written = (*out)->append(refusal_text(ending.file, ending.finished));
  return written ? (*out)->sync() : written;
}

}  // namespace usherd
