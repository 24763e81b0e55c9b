#include "usherd/settle/receipt.hpp"

#include "usherd/core/text.hpp"
#include "usherd/core/timestamp.hpp"

#include <fmt/format.h>

#include <iterator>

namespace usherd {
namespace {

constexpr std::size_t kPiece = 64 << 10;

void append_member(std::string& out, std::string_view name, std::string_view text) {
  fmt::format_to(std::back_inserter(out), ",\"{}\":", name);
  append_json_string(out, text);
}

void append_member(std::string& out, std::string_view name, std::uint64_t number) {
  fmt::format_to(std::back_inserter(out), ",\"{}\":{}", name, number);
}

void append_member(std::string& out, std::string_view name, const std::optional<WallTime>& time) {
  if (time)
    append_member(out, name, format_rfc3339(*time));
  else
    fmt::format_to(std::back_inserter(out), ",\"{}\":null", name);
}

std::string start(std::string_view file, FileNumber number, WallTime accepted) {
  std::string out = "{\"file\":";
  append_json_string(out, file);
  append_member(out, "sequence", number);
  append_member(out, "accepted", format_rfc3339(accepted));
  return out;
}

}  // namespace

std::string start_of_word(const SpoolFile& file) {
  return start(file.name, file.number, file.accepted);
}

Result<void> ReceiptWriter::begin(const Receipt& receipt) {
  pending_ = start(receipt.file, receipt.sequence, receipt.accepted);
  append_member(pending_, "finished", format_rfc3339(receipt.finished));
  append_member(pending_, "bytes", receipt.bytes);
  append_member(pending_, "records", receipt.records);
  append_member(pending_, "imported", receipt.outcomes.imported);
  append_member(pending_, "rejected", receipt.outcomes.rejected);
  append_member(pending_, "merged", receipt.outcomes.merged);
  append_member(pending_, "unknown", receipt.outcomes.unknown);
  append_member(pending_, "rekeyed", receipt.outcomes.rekeyed);
  if (receipt.original != receipt.file)
    append_member(pending_, "original", receipt.original);
  if (!receipt.tail.empty())
    append_member(pending_, "tail", receipt.tail);
  pending_ += ",\"batches\":[";
  return flush();
}

Result<void> ReceiptWriter::add(const ReceiptBatch& batch) {
  pending_ += any_ ? ",\n" : "\n";
  any_ = true;
  fmt::format_to(std::back_inserter(pending_), "{{\"batch\":{},\"job\":", batch.batch);
  if (batch.job.empty())
    pending_ += "null";
  else
    append_json_string(pending_, batch.job);
  append_member(pending_, "records", batch.share.records);
  append_member(pending_, "imported", batch.share.outcomes.imported);
  append_member(pending_, "rejected", batch.share.outcomes.rejected);
  append_member(pending_, "unknown", batch.share.outcomes.unknown);
  append_member(pending_, "submitted", batch.submitted);
  append_member(pending_, "finished", batch.finished);
  pending_ += '}';
  return pending_.size() < kPiece ? Result<void>{} : flush();
}

Result<void> ReceiptWriter::end() {
  pending_ += "]}\n";
  return flush();
}

Result<void> ReceiptWriter::flush() {
  auto written = file_.append(pending_);
  pending_.clear();
  return written;
}

std::string refusal_text(const SpoolFile& file, WallTime refused) {
  auto out = start_of_word(file);
  append_member(out, "refused", format_rfc3339(refused));
  append_member(out, "bytes", file.size);
  append_member(out, "code", file.refusal_code);
  append_member(out, "message", file.refusal_message);
  if (file.original != file.name)
    append_member(out, "original", file.original);
  out += "}\n";
  return out;
}

}  // namespace usherd
