#pragma once

#include "src/sandbox/job.hpp"
#include "usherd/core/random.hpp"
#include "usherd/sandbox/settings.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace usherd::sandbox {

/// Other traffic of the organisation that takes part of its in-progress budget.
struct Neighbour {
  std::uint64_t batches = 0;
  std::uint64_t operations = 0;
};

/// All jobs: admits, starts, finishes and forgets them by the limits in force. Decides only: whoever takes a
/// job that is due applies it. References to jobs stay valid until clear().
class JobTable {
 public:
  /// Whether a batch of that many records is to be answered 429 now.
  [[nodiscard]] bool is_full(std::uint64_t records, const Settings& settings) const;
  /// Takes a job in; it runs at once where the gate allows.
  Job& enter(Job job, WallTime now, const Settings& settings, Random& random);
  /// Ends every running job that is due, oldest first, and starts those that waited as of that time.
  [[nodiscard]] std::vector<Job*> take_due(WallTime now, const Settings& settings, Random& random);
  /// Ends all unfinished jobs, or the one of that id, whatever their time.
  [[nodiscard]] std::vector<Job*> take_now(WallTime now, std::string_view id, const Settings& settings,
                                           Random& random);
  /// Lets go of jobs that ended longer than `retention` ago; 0 keeps them.
  void forget(WallTime now, Milliseconds retention);
  /// When the next job is due; nothing while none is.
  [[nodiscard]] std::optional<WallTime> next_due() const;

  [[nodiscard]] Job* find(std::string_view id);
  [[nodiscard]] const std::deque<Job>& all() const { return jobs_; }
  [[nodiscard]] std::uint64_t in_progress_batches() const { return waiting_.size() + running_.size(); }
  [[nodiscard]] std::uint64_t in_progress_operations() const { return operations_; }
  void set_neighbour(Neighbour neighbour) { neighbour_ = neighbour; }
  [[nodiscard]] Neighbour neighbour() const { return neighbour_; }
  void clear();

 private:
  void start(Job& job, WallTime now, const Settings& settings, Random& random);
  void start_waiting(WallTime now, const Settings& settings, Random& random);
  void end(Job& job, WallTime now, const Settings& settings);

  std::deque<Job> jobs_;
  std::unordered_map<std::string, Job*> by_id_;
  std::deque<Job*> waiting_;
  std::multimap<WallTime, Job*> running_;
  std::deque<Job*> ended_;  // in order of their end, for forget()
  std::uint64_t operations_ = 0;
  Neighbour neighbour_;
};

}  // namespace usherd::sandbox
