#pragma once

#include "usherd/core/clock.hpp"

#include <cstdint>
#include <map>

namespace usherd {

/// How long a job of so many records takes, from those that ended: a straight line a + b * records, times a
/// level that follows how job times move. A job's word moves the level the more, the less jobs accepted
/// together differ by chance, the more was foretold wrongly of late, and the longer nothing was heard (a
/// Kalman filter of one number over the times of acceptance). All times in milliseconds; of past jobs it
/// keeps 64, reads no clock.
class DurationEstimate {
 public:
  /// A job that ended.
  struct Ended {
    double records = 0;
    double duration = 0;
    BootTime accepted{};
    double foretold = 0;  ///< what expected() said at its acceptance; 0: nothing
  };

  void learn(const Ended& job);
  /// Jobs that were accepted before all others under way go on so long after their acceptance: where
  /// neighbours are alike, the others will as well. Forgotten when a newer job ends.
  void goes_on(double records, double elapsed);

  /// Nothing is known before the first job ended.
  [[nodiscard]] bool is_empty() const { return line_.weight == 0; }
  /// What is expected of so many records by the jobs that ended; 0 when empty.
  [[nodiscard]] double expected(double records) const;
  /// The same with what goes_on() said.
  [[nodiscard]] double expected_at_least(double records) const;
  /// Whether jobs of different sizes have been seen, so that a part per record can be told from the fixed
  /// one.
  [[nodiscard]] bool has_slope() const { return line_.has_slope(); }
  [[nodiscard]] double mean_records() const;
  /// Mean of what was foretold wrongly at acceptance, as a logarithm.
  [[nodiscard]] double error() const { return error_; }
  /// Whether that is more than jobs accepted together differ by: the first of them to end tells of the
  /// others.
  [[nodiscard]] bool drifts() const;

 private:
  /// Sums over past jobs, each weighing less with every later one: a weighted straight line.
  struct Line {
    double weight = 0;
    double records = 0;
    double duration = 0;
    double records_squared = 0;
    double product = 0;

    void add(double of_records, double of_duration);
    [[nodiscard]] bool has_slope() const;
    [[nodiscard]] double at(double of_records) const;
  };

  [[nodiscard]] bool are_alike() const;
  void note_error(const Ended& job);
  void note_chance(const Ended& job, double seen);
  [[nodiscard]] double gain(const Ended& job);

  Line line_;
  double level_ = 0;     ///< logarithm of the factor to the line
  double variance_ = 1;  ///< of what is known of the level
  double before_ = 0;    ///< what the last job said of it
  double raised_ = 0;    ///< what goes_on() adds to it
  double error_ = 0;
  double chance_ = 0;  ///< mean difference between jobs accepted one after the other
  std::uint64_t learned_ = 0;
  std::uint64_t compared_ = 0;
  std::map<BootTime, double> neighbours_;  ///< what the last jobs said of the level, by acceptance
};

}  // namespace usherd
