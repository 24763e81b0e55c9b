#include "src/settle/end_paths.hpp"
#include "src/settle/moves.hpp"
#include "usherd/settle/settlement.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace usherd {

Result<void> Settlement::publish_one(Ending& ending) const {
  const auto number = ending.file.number;
  const EndPaths paths(layout_, ending.file.name);
  const auto working = layout_.working_file(ending.file);
  if (ending.file.state == FileState::refused) {
    auto told = move_once(files_, unfinished(layout_, number, "error"), paths.refusal());
    return told ? move_once(files_, working, paths.refused()) : told;
  }
  if (ending.tail.empty()) {
    auto same = must_not_have_grown(ending);
    if (!same)
      return same;
  }
  // The receipt comes when the rejects it counts can be read, and the file last, but for the tail: it takes
  // in what comes until then.
  if (ending.outcomes.rejected + ending.outcomes.unknown > 0) {
    auto moved = move_once(files_, unfinished(layout_, number, "rejects"), paths.rejects());
    if (!moved)
      return moved;
  }
  auto told = move_once(files_, unfinished(layout_, number, "receipt"), paths.receipt());
  auto moved = told ? move_once(files_, working, paths.done()) : told;
  return moved ? drop_tail(ending) : moved;
}

std::vector<Result<void>> Settlement::publish(std::span<Ending> group) const {
  std::vector<Result<void>> results;
  // A receipt tells of its tail: no crash may leave it without the copy.
  Result<void> copies;
  if (std::any_of(group.begin(), group.end(), [](const Ending& ending) { return !ending.tail.empty(); }))
    copies = files_.sync(layout_.working());
  bool to_done = false;
  bool to_rejected = false;
  bool to_incoming = false;
  for (auto& ending : group) {
    auto published = ending.tail.empty() || copies ? publish_one(ending) : copies;
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
