#pragma once

#include "usherd/ledger/rows.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>

namespace usherd {

/// Whose the last jobs were, so that an answer that came twice or late is not taken for that of the request
/// that went out after it. A server that counts its jobs anew, as one that was set up again, names ids that
/// are known: it is believed once it named the same one again and again, and nobody waits for that job any
/// more. Bounded. Pure.
class KnownJobs {
 public:
  static constexpr std::size_t kMost = 1024;
  /// So many answers in a row, each over a connection of its own, are no late ones.
  static constexpr unsigned kBelieved = 3;

  void add(const std::string& job, BatchId batch);
  /// Its batch has ended.
  void ended(const std::string& job, BatchId batch);
  /// Whether an answer that names this job for this batch is to be taken for another one's. Counts.
  [[nodiscard]] bool is_of_another(const std::string& job, BatchId batch);

 private:
  struct Known {
    BatchId batch = 0;
    bool ended = false;
    BatchId claimed_by = 0;  ///< the last other batch for which it was named
    unsigned claims = 0;     ///< in a row
  };

  std::unordered_map<std::string, Known> jobs_;
  std::deque<std::string> order_;  ///< oldest first
};

}  // namespace usherd
