#pragma once

#include "usherd/core/random.hpp"
#include "usherd/core/units.hpp"
#include "usherd/submit/api_answer.hpp"

#include <cstdint>
#include <optional>

namespace usherd {

/// `finished` less `created`, where the answer gives both in order.
[[nodiscard]] std::optional<Milliseconds> reported_duration(const JobAnswer& answer);

/// When to ask for a job: learns from finished jobs how long one of so many records takes (a + b * records,
/// later jobs weighing more) and how far that is off, asks first when the job should be done, then after
/// growing fractions of the time gone. Holds a few numbers, reads no clock; how many requests go out a second
/// is the token bucket's.
class PollSchedule {
 public:
  /// No job that ended after 10 minutes or less is left unasked for longer.
  static constexpr Milliseconds kLongestSilence{600'000};

  /// Waits are spread by a few percent from `seed`, so that jobs begun together are not asked for together.
  explicit PollSchedule(std::uint64_t seed) : random_(seed) {}

  /// From the job's acceptance to the first poll.
  [[nodiscard]] Milliseconds first_wait(std::uint64_t records);
  /// The first wait of a job that was given `set`, where jobs have since turned out to end much sooner.
  [[nodiscard]] std::optional<Milliseconds> sooner(std::uint64_t records, Milliseconds set);
  /// From the `polls`-th poll, which found the job processing `elapsed` after its acceptance, to the next
  /// one.
  [[nodiscard]] Milliseconds next_wait(std::uint64_t records, Milliseconds elapsed, unsigned polls);
  /// A job was found finished `total` after its acceptance and `unseen` after the poll that last found it
  /// processing; the same where none did. `reported`: reported_duration() of its answer.
  void learn(std::uint64_t records, Milliseconds unseen, Milliseconds total,
             std::optional<Milliseconds> reported = {});

  /// What a job of so many records should take; nothing before the first job finished.
  [[nodiscard]] std::optional<Milliseconds> expected(std::uint64_t records) const;

 private:
  /// Sums over past jobs, each weighing less with every later one: a weighted straight line in milliseconds.
  struct Line {
    double weight = 0;
    double records = 0;
    double duration = 0;
    double records_squared = 0;
    double product = 0;

    void add(double of_records, double of_duration, double keep);
    [[nodiscard]] bool has_slope() const;
    [[nodiscard]] double at(double of_records) const;
  };

  [[nodiscard]] double aim(double records) const;
  [[nodiscard]] Milliseconds spread(double wait);

  Random random_;
  Line line_;
  double deviation_ = 0;  ///< mean relative error of the line
  unsigned unseen_ = 0;   ///< jobs in a row that the first poll found finished earlier than expected
};

}  // namespace usherd
