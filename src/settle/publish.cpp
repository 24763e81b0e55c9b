#include "src/settle/end_paths.hpp"
#include "src/settle/moves.hpp"
#include "usherd/settle/settlement.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace usherd {

Result<void> Settlement::publish_one(const Ending& ending) const {
  const auto number = ending.file.number;
  const EndPaths paths(layout_, ending.file.name);
  const auto working = layout_.working_file(ending.file);
  if (ending.file.state == FileState::refused) {
    auto told = move_once(files_, unfinished(layout_, number, "error"), paths.refusal());
    return told ? move_once(files_, working, paths.refused()) : told;
  }
  // The receipt comes when the rejects it counts can be read, and the file, whose leaving ends it all, last.
  if (ending.outcomes.rejected + ending.outcomes.unknown > 0) {
    auto moved = move_once(files_, unfinished(layout_, number, "rejects"), paths.rejects());
    if (!moved)
      return moved;
  }
  auto told = move_once(files_, unfinished(layout_, number, "receipt"), paths.receipt());
  if (told)
    told = drop_tail(ending);
  return told ? move_once(files_, working, paths.done()) : told;
}

std::vector<Result<void>> Settlement::publish(std::span<const Ending> group) const {
  std::vector<Result<void>> results;
  bool to_done = false;
  bool to_rejected = false;
  bool to_incoming = false;
  for (const auto& ending : group) {
    auto published = publish_one(ending);
    if (!published)
      published = published.error().within(fmt::format("settle file {}", ending.file.number));
    results.push_back(std::move(published));
    const bool refused = ending.file.state == FileState::refused;
    to_incoming = to_incoming || !ending.tail.empty();
    to_done = to_done || !refused;
    to_rejected = to_rejected || refused || ending.outcomes.rejected + ending.outcomes.unknown > 0;
  }
  // Where they came to before where they came from: no crash may find a file in neither.
  Result<void> synced;
  if (synced && to_rejected)
    synced = files_.sync(layout_.rejected());
  if (synced && to_done)
    synced = files_.sync(layout_.done());
  if (synced && to_incoming)
    synced = files_.sync(layout_.incoming());
  if (synced && !group.empty())
    synced = files_.sync(layout_.working());
  if (!synced) {
    std::replace_if(
        results.begin(), results.end(), [](const auto& result) { return result.has_value(); }, synced);
  }
  return results;
}

}  // namespace usherd
