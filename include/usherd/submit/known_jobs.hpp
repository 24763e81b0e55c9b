#pragma once

#include "usherd/ledger/rows.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>

namespace usherd {

/// Whose the last jobs were, so that an answer that came twice or late is not taken for that of the request
/// that went out after it. Bounded. Pure.
class KnownJobs {
 public:
  static constexpr std::size_t kMost = 1024;

  void add(const std::string& job, BatchId batch);
  /// Whether the job is known as that of another batch.
  [[nodiscard]] bool is_of_another(const std::string& job, BatchId batch) const;

 private:
  std::unordered_map<std::string, BatchId> batches_;
  std::deque<std::string> order_;  ///< oldest first
};

}  // namespace usherd
