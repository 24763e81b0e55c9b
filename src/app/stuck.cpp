#include "src/app/stuck.hpp"

#include "usherd/core/text.hpp"

namespace usherd {
namespace {

constexpr std::size_t kMostReason = 300;

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
  constexpr std::string_view kBatch = "batch ";
  return stalled.starts_with(kBatch) &&
         stalled.find_first_not_of("0123456789", kBatch.size()) == std::string_view::npos;
}

}  // namespace usherd
