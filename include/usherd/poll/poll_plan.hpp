#pragma once

#include <array>
#include <cstddef>

namespace usherd {

/// At which parts of the expected time a job is best asked for, where past jobs ended at such and such parts
/// of theirs: the polls whose price and whose lateness cost least together, lateness and price both as parts
/// of the expected time. Holds a histogram of the last two hundred jobs or so and the plan made from it.
class PollPlan {
 public:
  PollPlan();
  /// A job ended at this part of its expected time.
  void learn(double part);
  /// A poll costs as much as a job that is found so late.
  void set_price(double price) { price_ = price; }
  /// The next part to ask at, for a job that was seen going on at `part` (0: not asked yet). Nothing (0)
  /// where the past does not tell of jobs so long.
  [[nodiscard]] double next(double part);

 private:
  static constexpr std::size_t kMostBins = 120;

  [[nodiscard]] std::size_t bin(double part) const;
  void make();

  std::size_t bins_ = 0;
  std::array<double, kMostBins + 1> edges_{};  ///< of the bins, as parts of the expected time
  std::array<double, kMostBins> weights_{};
  std::array<std::size_t, kMostBins + 1> next_{};  ///< the edge to ask at, by the one a job was seen at
  double price_ = 0.05;
  unsigned unplanned_ = 1;  ///< jobs learned since the plan was made
  unsigned bears_ = 0;      ///< how many of these it bears: few at first
};

}  // namespace usherd
