#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/random.hpp"
#include "usherd/core/units.hpp"
#include "usherd/poll/duration_estimate.hpp"
#include "usherd/poll/poll_plan.hpp"
#include "usherd/submit/api_answer.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

namespace usherd {

/// `finished` less `created`, where the answer gives both in order.
[[nodiscard]] std::optional<Milliseconds> reported_duration(const JobAnswer& answer);

/// When to ask for the jobs under way: at the parts of their expected time that cost least in polls and in
/// freed places found late, within an allowance of polls a job. While job times drift, the two jobs accepted
/// first of those that nothing is known of yet are scouts: asked early and often, so that what they tell
/// moves the others' polls before these are due. Holds a few hundred numbers and the jobs under way, reads no
/// clock; how many requests go out a second is the token bucket's.
class PollSchedule {
 public:
  /// No job that ended after 10 minutes or less is left unasked for longer.
  static constexpr Milliseconds kLongestSilence{600'000};

  /// A job under way, from its acceptance until it is destroyed. The schedule must outlive it.
  class Job {
   public:
    Job(PollSchedule& schedule, std::uint64_t records, BootTime accepted);
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    ~Job();

    /// When to ask for it; may be past. Moves when it was asked, and when has_moved() says so.
    [[nodiscard]] BootTime due() const;
    /// A poll sent at `asked` found it processing.
    void goes_on(BootTime asked);
    /// A poll found at `found` that it had ended. `reported`: reported_duration() of the answer.
    void ended(BootTime found, std::optional<Milliseconds> reported = {});

   private:
    friend PollSchedule;
    using Rank = std::pair<BootTime, std::uint64_t>;

    [[nodiscard]] double since_accepted(BootTime now) const;

    PollSchedule& schedule_;
    double records_;
    Rank rank_;        ///< when it was accepted, and a number of its own
    double foretold_;  ///< ms that were expected at its acceptance; 0: nothing known
    double spread_;    ///< waits are longer by up to a percent, so that not all jobs ask together
    double seen_ = 0;  ///< ms after its acceptance when a poll last found it processing
    unsigned polls_ = 0;
  };

  /// Waits are spread by chance from `seed`.
  explicit PollSchedule(std::uint64_t seed) : random_(seed) {}

  /// Whether due() of jobs under way may have changed much since the last call.
  [[nodiscard]] bool has_moved();
  /// What a job of so many records should take; nothing before the first job finished.
  [[nodiscard]] std::optional<Milliseconds> expected(std::uint64_t records) const;

 private:
  [[nodiscard]] double ask_at(const Job& job);
  [[nodiscard]] double guessed(const Job& job) const;
  [[nodiscard]] double planned(const Job& job);
  [[nodiscard]] double scouted(double part) const;
  [[nodiscard]] bool is_far(BootTime accepted, double records) const;
  [[nodiscard]] bool is_scouting() const;
  [[nodiscard]] bool is_scout(const Job& job) const;
  void goes_on(const Job& job);
  void learn(const Job& job, double total, std::optional<Milliseconds> reported);
  /// Whether the API's word on how long the job took can be true.
  [[nodiscard]] static bool tells_duration(const Job& job, double total,
                                           std::optional<Milliseconds> reported);
  /// Nobody asked about it for most of its time, and for long.
  [[nodiscard]] bool was_left_alone(const Job& job, double total);
  [[nodiscard]] double duration_of(const Job& job, double total, std::optional<Milliseconds> reported);
  void pass(const Job& job);

  Random random_;
  DurationEstimate estimate_;
  PollPlan plan_;
  double price_ = 0.05;             ///< of a poll, as a part of the expected time
  std::set<Job::Rank> ahead_;       ///< jobs under way of which no newer one has ended
  std::optional<BootTime> newest_;  ///< acceptance of the newest job that has ended
  std::uint64_t begun_ = 0;
  double farthest_ = 0;                    ///< part of the expected time that a job ahead is known to reach
  std::optional<Job::Rank> farthest_job_;  ///< the one that is
  double told_ = 0;                        ///< what was expected when has_moved() was asked last
  bool has_new_scouts_ = false;
  unsigned unseen_ = 0;  ///< jobs in a row that the first poll found finished earlier than expected
};

}  // namespace usherd
