#pragma once

#include "usherd/submit/api_client.hpp"

#include <cstdint>

namespace usherd {

/// What an exchange about a job that has not ended says of it.
enum class JobWord : std::uint8_t {
  goes_on,  ///< the API answered how it stands
  unclear,  ///< the API answered something else: a server error, garbage, results not given out yet
  none      ///< nobody answered, or what keeps every request waiting: the key, the address, the pace
};
/// Of an exchange that does not tell how the job stands. Pure.
[[nodiscard]] JobWord word_without_job(Call call, const Exchange& exchange);

}  // namespace usherd
