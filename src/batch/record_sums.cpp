#include "usherd/batch/record_sums.hpp"

#include "usherd/validate/record.hpp"

namespace usherd {
namespace {

std::uint32_t half_of(std::uint64_t sum) {
  return static_cast<std::uint32_t>(sum);
}

}  // namespace

std::vector<RecordSum> record_sums(std::span<const std::uint32_t> lengths,
                                   std::span<const std::uint64_t> sums) {
  std::vector<RecordSum> out;
  out.reserve(lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i)
    out.push_back({lengths[i], half_of(sums[i])});
  return out;
}

Result<std::vector<bool>> find_changed(Operations& operations, std::span<const RecordSum> sums) {
  std::vector<bool> changed(operations.size(), false);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    // With its newline: where that is gone, this record runs on into the next one.
    const auto bytes = operations.bytes_and_newline(i);
    if (!bytes && !is_gone(bytes.error()))
      return bytes.error();
    changed[i] = !bytes || i >= sums.size() || bytes->size() != sums[i].length ||
                 half_of(record_sum(*bytes)) != sums[i].sum;
  }
  return changed;
}

}  // namespace usherd
