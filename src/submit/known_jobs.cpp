#include "usherd/submit/known_jobs.hpp"

namespace usherd {

void KnownJobs::add(const std::string& job, BatchId batch) {
  if (!batches_.try_emplace(job, batch).second)
    return;
  order_.push_back(job);
  if (order_.size() > kMost) {
    batches_.erase(order_.front());
    order_.pop_front();
  }
}

bool KnownJobs::is_of_another(const std::string& job, BatchId batch) const {
  const auto known = batches_.find(job);
  return known != batches_.end() && known->second != batch;
}

}  // namespace usherd
