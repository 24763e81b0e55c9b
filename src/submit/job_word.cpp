#include "usherd/submit/job_word.hpp"

namespace usherd {

JobWord word_without_job(Call call, const Exchange& exchange) {
  if (exchange.failure)
    return exchange.is_garbage() ? JobWord::unclear : JobWord::none;
  const auto status = exchange.status;
  const bool misled = status / 100 == 3 || (call == Call::create && status == 404);
  const bool all_wait = misled || status == 401 || status == 403 || status == 429;
  return all_wait ? JobWord::none : JobWord::unclear;
}

}  // namespace usherd
