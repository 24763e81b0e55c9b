#include "src/sandbox/users_in_flight.hpp"

namespace usherd::sandbox {

void UsersInFlight::enter(const std::vector<std::uint64_t>& users) {
  for (const std::uint64_t user : users) {
    if (jobs_[user]++ > 0)
      ++in_two_jobs_;
  }
}

void UsersInFlight::leave(const std::vector<std::uint64_t>& users) {
  for (const std::uint64_t user : users) {
    const auto found = jobs_.find(user);
    if (found != jobs_.end() && --found->second == 0)
      jobs_.erase(found);
  }
}

void UsersInFlight::clear() {
  jobs_.clear();
  in_two_jobs_ = 0;
}

}  // namespace usherd::sandbox
