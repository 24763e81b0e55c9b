#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <vector>

namespace usherd::sandbox {

/// Which users stand in unfinished jobs: finds a client that lets two jobs race for one user. Users are known
/// by a hash of their uid.
class UsersInFlight {
 public:
  /// A job's users, each once. Counts those that already stand in another unfinished job.
  void enter(const std::vector<std::uint64_t>& users);
  /// The same users once the job has ended.
  void leave(const std::vector<std::uint64_t>& users);
  [[nodiscard]] std::uint64_t in_two_jobs() const { return in_two_jobs_; }
  void clear();

 private:
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> jobs_;
  std::uint64_t in_two_jobs_ = 0;
};

}  // namespace usherd::sandbox
