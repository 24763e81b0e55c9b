#include "usherd/admin/request_tally.hpp"

#include <algorithm>
#include <string>

namespace usherd {
namespace {

std::string_view code_of(unsigned status, const std::string& exact) {
  if (status == 0)
    return "none";
  if (std::find(RequestTally::kCodes.begin(), RequestTally::kCodes.end(), exact) !=
      RequestTally::kCodes.end())
    return exact;
  if (status / 100 == 3)
    return "3xx";
  return status / 100 == 5 ? "5xx" : "other";
}

}  // namespace

void RequestTally::add(Call call, unsigned status, BootClock::duration duration) {
  const auto exact = std::to_string(status);
  const auto place = std::find(kCodes.begin(), kCodes.end(), code_of(status, exact)) - kCodes.begin();
  ++counts_[static_cast<std::size_t>(call)][static_cast<std::size_t>(place)];
  durations_[static_cast<std::size_t>(call)].add(duration);
}

}  // namespace usherd
