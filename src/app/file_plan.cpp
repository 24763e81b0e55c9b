#include "src/app/file_plan.hpp"

#include "usherd/batch/open_batch.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/bad_row.hpp"
#include "usherd/validate/block_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace usherd {
namespace {

/// One that would be sent; a comma or the end of the list goes with it.
void add_good(CheckedFile& out, std::uint64_t length) {
  out.good_bytes += length + 1;
}

std::uint64_t divided_up(std::uint64_t amount, std::uint64_t by) {
  return (amount + by - 1) / by;
}

BlockReader make_reader(const Config& config) {
  const std::array<std::byte, UserKeys::kSecretBytes> no_secret{};
  return BlockReader(RecordRules{config.records.anonymous == AnonymousRecords::accept}, UserKeys(no_secret));
}

Result<CheckedFile> check_ndjson(ReadFile& file, const Config& config, const OnRejection& on_rejection) {
  CheckedFile out;
  auto reader = make_reader(config);
  const auto size = file.size();
  if (!size)
    return size.error();
  CheckedBlock block;
  block.end = *size == 0;
  while (!block.end) {
    if (auto read = reader.read(file, block.next_offset, block.next_line, *size, block); !read)
      return read.error();
    out.records += block.lines;
    for (const auto& record : block.records.all())
      add_good(out, record.length);
    for (const auto& rejection : block.rejections)
      on_rejection(rejection, ++out.rejected);
  }
  return out;
}

/// What must be converted: each record as the conversion hands it on.
Result<CheckedFile> check_converted(ReadFile& file, const Config& config, FileFormat format,
                                    const OnRejection& on_rejection) {
  CheckedFile out;
  auto reader = make_reader(config);
  const auto emit = [&](std::string_view line, const Origin& origin) -> Result<void> {
    ++out.records;
    // Of a line that is too long only its beginning is here.
    auto rejection = origin.length > kMostRecordBytes && format.format == Format::ndjson
                         ? record_too_large(origin.offset, origin.line, origin.length)
                         : reader.check_line(line, origin.offset, origin.line);
    if (!rejection) {
      add_good(out, line.size());
      return {};
    }
    if (auto bad_row = format.format != Format::ndjson ? read_bad_row(line) : std::nullopt) {
      rejection->code = std::move(bad_row->code);
      rejection->message = std::move(bad_row->message);
    }
    on_rejection(*rejection, ++out.rejected);
    return {};
  };
  const auto size = file.size();
  if (!size)
    return size.error();
  ConvertLimits limits;
  limits.max_unpacked = config.spool.max_unpacked;
  limits.max_ratio = config.spool.max_ratio;
  auto refusal = stream_records(file, *size, format, limits, emit);
  if (!refusal)
    return refusal.error();
  out.refusal = std::move(*refusal);
  return out;
}

}  // namespace

Result<CheckedFile> check_records(Files& files, const Config& config, const std::string& path,
                                  FileFormat format, const OnRejection& on_rejection) {
  auto file = files.open(path);
  if (!file)
    return file.error();
  const bool as_it_is = format.format == Format::ndjson && format.compression == Compression::none;
  return as_it_is ? check_ndjson(**file, config, on_rejection)
                  : check_converted(**file, config, format, on_rejection);
}

void FilePlan::add(const CheckedFile& file) {
  good_ += file.records - file.rejected;
  good_bytes_ += file.good_bytes;
}

std::string FilePlan::text() const {
  std::string out;
  const auto& limits = config_.limits;
  const auto by_records = divided_up(good_, effective_max_records(config_));
  const auto by_bytes = divided_up(good_bytes_, config_.batch.max_bytes - kFramingBytes);
  const auto batches = std::max(by_records, by_bytes);
  fmt::format_to(std::back_inserter(out),
                 "plan: {} record{} in about {} batch{} of at most {} records and {}\n", good_,
                 good_ == 1 ? "" : "s", batches, batches == 1 ? "" : "es", effective_max_records(config_),
                 format_size(config_.batch.max_bytes));
  if (batches == 0)
    return out;
  if (batches == 1)
    return out + "it is closed by batch.linger, or by the end of the files; no limit binds\n";
  const auto per_batch = std::max<std::uint64_t>(1, good_ / batches);
  const bool by_operations = per_batch * limits.in_progress_batches > limits.in_progress_operations;
  const auto at_once = by_operations ? std::max<std::uint64_t>(1, limits.in_progress_operations / per_batch)
                                     : limits.in_progress_batches;
  fmt::format_to(std::back_inserter(out), "a batch is closed by {}; ",
                 by_bytes > by_records ? "batch.max_bytes" : "batch.max_records");
  if (batches <= at_once)
    out += "all of them may be in progress at once, no limit binds\n";
  else
    fmt::format_to(std::back_inserter(out), "{} binds: {} in progress at once, {} rounds of job time\n",
                   by_operations ? "limits.in_progress_operations" : "limits.in_progress_batches",
                   counted(at_once, "batch", "batches"), (batches + at_once - 1) / at_once);
  return out;
}

}  // namespace usherd
