#include "usherd/validate/block_reader.hpp"

#include "src/validate/plain_records.hpp"
#include "src/validate/record_checker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string>

namespace usherd {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;

bool is_blank(const char* text, std::size_t length) {
  // Nearly every line ends here, at its first byte.
  for (std::size_t i = 0; i < length; ++i) {
    if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
      return false;
  }
  return true;
}

std::size_t line_length(const char* line, const char* end) {
  const auto most = static_cast<std::size_t>(end - line);
  const auto* newline = static_cast<const char*>(std::memchr(line, '\n', most));
  return newline == nullptr ? most : static_cast<std::size_t>(newline - line);
}

}  // namespace

Rejection record_too_large(std::uint64_t offset, std::uint64_t line, std::uint64_t length) {
  return {
      offset, line, length, "record_too_large",
      fmt::format("the record has {} bytes: split it into records of at most {}", length, kMostRecordBytes)};
}

BlockReader::BlockReader(RecordRules rules, const UserKeys& keys, std::size_t block_bytes, BlockPool* pool)
    : plain_(std::make_unique<PlainRecords>(keys, std::max(block_bytes, kBlockBytes))),
      checker_(std::make_unique<RecordChecker>(rules, keys)),
      block_bytes_(std::max<std::size_t>(block_bytes, 1)),
      pool_(pool) {
  assert(pool == nullptr || pool->block_bytes() >= block_bytes_ + kPadding);
}
BlockReader::~BlockReader() = default;
BlockReader::BlockReader(BlockReader&&) noexcept = default;
BlockReader& BlockReader::operator=(BlockReader&&) noexcept = default;

Result<void> BlockReader::read(ReadFile& file, std::uint64_t offset, std::uint64_t line, std::uint64_t limit,
                               CheckedBlock& out) {
  out.records.clear();
  out.rejections.clear();
  out.blocks.clear();
  out.lines = 0;
  out.next_offset = offset;
  out.next_line = line;
  return read_on(file, limit, out);
}

Result<void> BlockReader::read_on(ReadFile& file, std::uint64_t limit, CheckedBlock& out) {
  const auto offset = out.next_offset;
  const auto line = out.next_line;
  out.end = offset >= limit;
  if (out.end || out.is_full())
    return {};
  have_ = 0;
  lent_ = pool_ == nullptr ? nullptr : pool_->take();
  const auto left = limit - offset;
  for (const std::size_t most : {block_bytes_, kMostRecordBytes + kByteOrderMark.size() + 1}) {
    if (most <= have_)
      continue;
    const auto filled = fill(file, offset, static_cast<std::size_t>(std::min<std::uint64_t>(left, most)));
    if (!filled)
      return filled.error();
    const auto* newline = static_cast<const char*>(memrchr(bytes_, '\n', have_));
    if (newline == nullptr && have_ < left)
      continue;
    const auto whole = have_ == left ? have_ : static_cast<std::size_t>(newline + 1 - bytes_);
    out.next_offset = offset + check_lines(whole, offset, line, out);
    out.blocks.push_back({std::move(lent_), offset, out.next_offset});
    out.end = out.next_offset == limit;
    return {};
  }
  return skip_long_line(file, offset, line, limit, out);
}

/// Bytes of the byte order mark at the head of the buffer, which counts only where the file starts.
std::size_t BlockReader::mark_length(std::uint64_t offset) const {
  const std::string_view held(bytes_, have_);
  return offset == 0 && held.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
}

/// Reads on behind the `have_` bytes that are there, until there are `until`. What is larger than a block
/// does not stay.
Result<void> BlockReader::fill(ReadFile& file, std::uint64_t offset, std::size_t until) {
  const bool stays = lent_ != nullptr && until <= block_bytes_;
  if (!stays && buffer_.size() < until + kPadding)
    buffer_.resize(until + kPadding);
  if (!stays && lent_ != nullptr) {
    std::copy_n(lent_.get(), have_, buffer_.data());
    lent_.reset();
  }
  bytes_ = stays ? lent_.get() : buffer_.data();
  const auto got = file.read_at({bytes_ + have_, until - have_}, offset + have_);
  if (!got)
    return got.error();
  have_ += *got;
  if (have_ < until)
    return Error{Errc::corrupt, fmt::format("the file ends at byte {}, it was longer", offset + have_)};
  return {};
}

Result<void> BlockReader::skip_long_line(ReadFile& file, std::uint64_t offset, std::uint64_t line,
                                         std::uint64_t limit, CheckedBlock& out) {
  const auto start = offset + mark_length(offset);
  auto at = offset + have_;
  const char* newline = nullptr;
  while (newline == nullptr && at < limit) {
    have_ = 0;
    const auto filled =
        fill(file, at, static_cast<std::size_t>(std::min<std::uint64_t>(limit - at, kBlockBytes)));
    if (!filled)
      return filled.error();
    newline = static_cast<const char*>(std::memchr(bytes_, '\n', have_));
    at += newline == nullptr ? have_ : static_cast<std::size_t>(newline - bytes_);
  }
  out.rejections.push_back(record_too_large(start, line, at - start));
  ++out.lines;
  out.next_offset = newline == nullptr ? at : at + 1;
  out.next_line = line + 1;
  out.end = out.next_offset == limit;
  return {};
}

/// How many of the bytes are done with: all, but where so many lines are bad that `out` is full.
std::size_t BlockReader::check_lines(std::size_t bytes, std::uint64_t offset, std::uint64_t line,
                                     CheckedBlock& out) {
  char* const start = bytes_;
  const char* const end = start + bytes;
  char* at = start + mark_length(offset);
  plain_->take_up({at, static_cast<std::size_t>(end - at)});
  for (; at < end && !out.is_full(); ++line) {
    Record record;
    record.offset = offset + static_cast<std::size_t>(at - start);
    record.line = line;
    auto length = plain_->check(at, record);
    if (length > 0) {
      keep(at, length, record, out);
    } else {
      length = line_length(at, end);
      if (!is_blank(at, length))
        check_one(at, length, record, out);
    }
    at += length + 1;
  }
  out.next_line = line;
  return std::min(bytes, static_cast<std::size_t>(at - start));
}

/// A line that is not known to be a good record.
void BlockReader::check_one(char* line, std::size_t length, Record& record, CheckedBlock& out) {
  if (length > kMostRecordBytes) {
    ++out.lines;
    out.rejections.push_back(record_too_large(record.offset, record.line, length));
  } else if (checker_->check(line, length, record)) {
    keep(line, length, record, out);
  } else {
    ++out.lines;
    auto fault = checker_->take_fault();
    out.rejections.push_back(
        {record.offset, record.line, length, std::string(fault.code), std::move(fault.message)});
  }
}

void BlockReader::keep(char* line, std::size_t length, Record& record, CheckedBlock& out) {
  ++out.lines;
  record.sum = record_sum({line, length});
  out.records.add(record);
  if (lent_ != nullptr)
    line[length] = ',';
}

std::optional<Rejection> BlockReader::check_line(std::string_view line, std::uint64_t offset,
                                                 std::uint64_t number, Record* record) {
  if (line.size() > kMostRecordBytes)
    return record_too_large(offset, number, line.size());
  if (buffer_.size() < line.size() + kPadding)
    buffer_.resize(line.size() + kPadding);
  std::copy(line.begin(), line.end(), buffer_.begin());
  Record checked;
  checked.offset = offset;
  checked.line = number;
  if (!checker_->check(buffer_.data(), line.size(), checked)) {
    auto fault = checker_->take_fault();
    return Rejection{offset, number, line.size(), std::string(fault.code), std::move(fault.message)};
  }
  if (record != nullptr)
    *record = checked;
  return std::nullopt;
}

}  // namespace usherd
