#include "usherd/batch/fetched_records.hpp"

#include <algorithm>

namespace usherd {

void FetchedRecords::add(std::size_t operation, std::string_view bytes) {
  if (bytes_.size() + bytes.size() > kMostBytes)
    return;
  places_.push_back(
      {operation, static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(bytes.size())});
  bytes_ += bytes;
}

std::optional<std::string_view> FetchedRecords::find(std::size_t operation) const {
  const auto place =
      std::lower_bound(places_.begin(), places_.end(), operation,
                       [](const Place& at, std::size_t wanted) { return at.operation < wanted; });
  if (place == places_.end() || place->operation != operation)
    return std::nullopt;
  return std::string_view(bytes_).substr(place->begin, place->length);
}

}  // namespace usherd
