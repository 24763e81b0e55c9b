#include "src/settle/end_paths.hpp"
#include "usherd/settle/settlement.hpp"

namespace usherd {
Result<void> Settlement::clean(const Ending& ending) const {
  const auto number = ending.file.number;
  std::vector<std::string> leftovers{layout_.records(number), layout_.origins(number),
                                     layout_.local_rejects(number)};
  for (const auto& batch : ending.batches) {
    if (batch.share.has_rejects)
      leftovers.push_back(layout_.batch_rejects(number, batch.batch));
  }
  for (const auto* kind : {"rejects", "receipt", "error"})
    leftovers.push_back(unfinished(layout_, number, kind));
  Result<void> cleaned;
  for (const auto& path : leftovers) {
    auto removed = files_.remove(path);
    if (!removed)
      cleaned = removed;
  }
  return cleaned;
}

}  // namespace usherd
