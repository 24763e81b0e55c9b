#include "src/settle/end_paths.hpp"
#include "usherd/settle/settlement.hpp"
#include "usherd/spool/emptied_note.hpp"

namespace usherd {
namespace {

/// Rejects that were all dropped before their file had settled.
Result<void> remove_empty(Files& files, const std::string& path) {
  const auto stat = files.stat(path);
  if (!stat)
    return stat.error().code == Errc::not_found ? Result<void>{} : stat.error();
  return stat->size == 0 ? files.remove(path) : Result<void>{};
}

}  // namespace

Result<void> Settlement::clean(const Ending& ending) const {
  const auto number = ending.file.number;
  std::vector<std::string> leftovers{layout_.records(number), layout_.origins(number),
                                     layout_.local_rejects(number)};
  for (const auto& batch : ending.batches) {
    if (batch.share.has_rejects)
      leftovers.push_back(layout_.batch_rejects(number, batch.batch));
  }
  if (ending.file.state == FileState::refused || ending.outcomes.rejected + ending.outcomes.unknown > 0)
    leftovers.push_back(emptied_note(layout_, number));
  for (const auto* kind : {"rejects", "receipt", "error"})
    leftovers.push_back(unfinished(layout_, number, kind));
  Result<void> cleaned;
  for (const auto& path : leftovers) {
    auto removed = files_.remove(path);
    if (!removed)
      cleaned = removed;
  }
  if (ending.outcomes.rejected + ending.outcomes.unknown > 0) {
    auto removed = remove_empty(files_, EndPaths(layout_, ending.file.name).rejects());
    if (!removed)
      cleaned = removed;
  }
  return cleaned;
}

}  // namespace usherd
