#include "usherd/submit/known_jobs.hpp"

namespace usherd {

void KnownJobs::add(const std::string& job, BatchId batch) {
  const auto [known, is_new] = jobs_.try_emplace(job, Known{batch});
  if (!is_new) {
    if (known->second.ended)
      known->second = Known{batch};
    return;
  }
  order_.push_back(job);
  if (order_.size() > kMost) {
    jobs_.erase(order_.front());
    order_.pop_front();
  }
}

void KnownJobs::ended(const std::string& job, BatchId batch) {
  const auto known = jobs_.find(job);
  if (known != jobs_.end() && known->second.batch == batch)
    known->second.ended = true;
}

bool KnownJobs::is_of_another(const std::string& job, BatchId batch) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end() || found->second.batch == batch)
    return false;
  auto& known = found->second;
  if (known.claimed_by != batch) {
    known.claimed_by = batch;
    known.claims = 0;
  }
  ++known.claims;
  return !known.ended || known.claims < kBelieved;
}

}  // namespace usherd
