#include "usherd/settle/batch_verdict.hpp"

namespace usherd {

BatchVerdict BatchVerdict::all(std::uint64_t operations, OperationEnd end, std::string_view code,
                               std::string_view message) {
  BatchVerdict verdict;
  if (end == OperationEnd::imported)
    return verdict;
  verdict.reasons.push_back(Reason{std::string(code), std::string(message)});
  verdict.entries.reserve(operations);
  for (std::uint64_t i = 0; i < operations; ++i)
    verdict.entries.push_back(Entry{static_cast<std::uint32_t>(i), end, 0});
  return verdict;
}

}  // namespace usherd
