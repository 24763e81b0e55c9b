#include "src/app/stuck.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace usherd {
namespace {

constexpr std::size_t kMostReason = 300;
/// Whose manifests are read when somebody asks for one file.
constexpr std::size_t kMostAsked = 64;

std::optional<BatchId> batch_of(std::string_view stalled) {
  constexpr std::string_view kBatch = "batch ";
  if (!stalled.starts_with(kBatch))
    return std::nullopt;
  BatchId batch = 0;
  const auto* end = stalled.data() + stalled.size();
  const auto read = std::from_chars(stalled.data() + kBatch.size(), end, batch);
  return read.ec == std::errc() && read.ptr == end ? std::optional(batch) : std::nullopt;
}

}  // namespace

std::optional<std::string> why_stuck(const DaemonParts& parts, const OpenFiles::Entry& entry) {
  if (entry.stuck.empty())
    return why_stuck(parts, entry.file);
  return printable(entry.stuck, kMostReason) + "; stop usherd and run 'usherd doctor'";
}

std::optional<std::string> why_stuck(const DaemonParts& parts, const SpoolFile& file) {
  const auto& stalled = parts.recorder.stalled();
  if (stalled.empty())
    return std::nullopt;
  const auto found = stalled.find(printable(file.name));
  return found == stalled.end() ? std::nullopt : std::optional(why_stuck(found->second));
}

std::string why_stuck(const Recorder::Stall& stall) {
  return "the disk does not give or take what it needs: " + printable(stall.why, kMostReason) +
         "; it is tried again";
}

bool is_batch(std::string_view stalled) {
  return batch_of(stalled).has_value();
}

std::vector<BatchId> stuck_batches(const DaemonParts& parts) {
  std::vector<BatchId> batches;
  for (const auto& [name, stall] : parts.recorder.stalled()) {
    const auto batch = batch_of(name);
    if (batch && batches.size() < kMostAsked)
      batches.push_back(*batch);
  }
  return batches;
}

std::optional<std::string> why_batch_stuck(const DaemonParts& parts, BatchId batch) {
  const auto& stalled = parts.recorder.stalled();
  const auto found = stalled.find(fmt::format("batch {}", batch));
  if (found == stalled.end())
    return std::nullopt;
  return fmt::format("{}, which holds records of it: {}", found->first, why_stuck(found->second));
}

}  // namespace usherd
