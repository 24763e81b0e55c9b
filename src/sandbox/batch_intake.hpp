#pragma once

#include "src/sandbox/api_answer.hpp"
#include "src/sandbox/job.hpp"
#include "usherd/core/random.hpp"
#include "usherd/sandbox/settings.hpp"

#include <simdjson.h>

#include <optional>

namespace usherd::sandbox {

/// What a batch's records came to before the job is made: which are refused at once and which users are
/// named.
struct Intake {
  std::uint64_t records = 0;
  std::vector<std::uint32_t> bad;
  std::vector<RecordError> errors;
  std::vector<std::uint64_t> users;  ///< hashes, repeats included
  std::optional<ApiAnswer> refused;  ///< set: the whole POST is answered like this
};

/// Checks each record of a batch by the rules and settings in force.
[[nodiscard]] Intake take_in(simdjson::dom::array requests, const Settings& settings, Random& random);

}  // namespace usherd::sandbox
