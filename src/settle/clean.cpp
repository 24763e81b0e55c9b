#include "src/settle/places.hpp"
#include "usherd/settle/settlement.hpp"

#include <charconv>
#include <string_view>

namespace usherd {
namespace {

/// A derived name is "fNNN.kind" or "bNNN.kind".
struct Derived {
  char of = 0;
  std::uint64_t number = 0;
};

Derived parse_derived(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || dot < 2 || (name.front() != 'f' && name.front() != 'b'))
    return {};
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(name.data() + 1, name.data() + dot, number);
  if (failure != std::errc{} || end != name.data() + dot)
    return {};
  return {name.front(), number};
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

Result<std::uint64_t> Settlement::sweep(const Keep& keep_file, const Keep& keep_batch) const {
  std::vector<std::string> leftovers;
  const auto listed = files_.list(layout_.working(), [&](std::string_view name) {
    const auto derived = parse_derived(name);
    const bool stale = (derived.of == 'f' && !keep_file(derived.number)) ||
                       (derived.of == 'b' && !keep_batch(derived.number));
    if (stale)
      leftovers.push_back(layout_.working() + "/" + std::string(name));
    return true;
  });
  if (!listed)
    return listed.error();
  for (const auto& path : leftovers) {
    const auto removed = files_.remove(path);
    if (!removed)
      return removed.error();
  }
  return leftovers.size();
}

}  // namespace usherd
