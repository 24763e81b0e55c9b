#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/submit/refused_level.hpp"

#include <cstdint>
#include <optional>

namespace usherd {

/// The organisation's in-progress limits, as far as they are ours to use: batches and operations counted from
/// before the POST until the job is known to have ended. After a 429 less of them is used (RefusedLevel), and
/// few POSTs at once near that, so that neighbours on the same organisation fit. Pure.
class InProgressBudget {
 public:
  InProgressBudget(std::uint32_t batches, std::uint64_t operations);

  /// New limits; nothing in progress is cancelled, nothing starts until the counts are below.
  void configure(std::uint32_t batches, std::uint64_t operations);
  /// Whether a batch of `operations` may start now. One that is larger than the whole budget goes when alone.
  [[nodiscard]] bool admits(std::uint64_t operations) const;
  /// Likewise for a batch that waits in line: it also goes when only abandoned keys, and batches that stand
  /// back, hold places, as no job of theirs is followed that could end and make room.
  [[nodiscard]] bool admits_in_line(std::uint64_t operations) const;
  /// Whether a batch that is counted in and was not sent must give its place back: the limits fell below what
  /// is in progress, and it is not alone.
  [[nodiscard]] bool must_give_way(std::uint64_t operations) const;
  /// Counts a batch in whose POST is to be answered yet: also over the limit, for what was found in progress
  /// at start.
  void take(std::uint64_t operations);
  /// Once its POST has ended.
  void give_back(std::uint64_t operations);
  /// Its POST was answered, or waits for another reason than a 429: until it is tried again nobody knows
  /// better than that the API holds it, and it must not keep others from going.
  void end_post(std::uint64_t operations);
  /// It is tried again.
  void begin_post(std::uint64_t operations);
  /// A batch whose POST ended as above may draw 429 for a day, whatever the organisation holds: it keeps its
  /// place in the limits, and what is used of them after 429s is reckoned without it.
  void set_apart(std::uint64_t operations);
  /// It is like the others again.
  void count_in(std::uint64_t operations);

  /// A batch that draws errors keeps its place in the limits and lets the next one go meanwhile.
  void stand_back();
  /// Whether such a batch may be tried again, which asks for no further place.
  [[nodiscard]] bool admits_back() const;
  /// It is tried again.
  void step_forward(std::uint64_t operations);

  /// The place of a batch of `operations` goes over to its abandoned key, which may still run.
  void leave_to_key(std::uint64_t operations);
  /// Counts abandoned keys in, found in the ledger at start; `operations` of all of them.
  void take_keys(std::uint32_t keys, std::uint64_t operations);
  void give_keys_back(std::uint32_t keys, std::uint64_t operations);

  /// The API answered 429 to a batch whose POST has not ended here. What it held then was not too much: only
  /// those count, not the POSTs under way.
  void refused(std::uint64_t operations, BootTime now);
  /// A POST was accepted, and has ended.
  void accepted(std::uint64_t operations, BootTime now);
  /// When a shrunken budget grows by itself, nothing while it is whole. What holds its only place may be
  /// stuck for ever, and the neighbour who took the rest long gone.
  [[nodiscard]] std::optional<BootTime> recovers_at() const;
  void recover(BootTime now);

  /// Abandoned keys are counted with the batches.
  [[nodiscard]] std::uint32_t batches() const { return batches_; }
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  [[nodiscard]] std::uint32_t keys() const { return keys_; }
  [[nodiscard]] std::uint32_t batches_set_apart() const { return apart_; }
  [[nodiscard]] std::uint32_t limit_batches() const { return limit_batches_; }
  [[nodiscard]] std::uint64_t limit_operations() const { return limit_operations_; }
  /// Whether abandoned keys hold as much of the limits as they may where several batches leave such: each
  /// leaves more while it is cut down to its culprit, and those parts want places too.
  [[nodiscard]] bool is_half_keys() const;
  /// Whether abandoned keys and `stuck` batches hold all places but those of batches that stand back: no
  /// other batch can be tried.
  [[nodiscard]] bool is_full_of_keys(std::uint32_t stuck) const {
    return keys_ > 0 && batches_ - keys_ - back_ <= stuck && !admits(1);
  }
  /// What is used of the limits now.
  [[nodiscard]] std::uint32_t usable_batches() const;
  [[nodiscard]] std::uint64_t usable_operations() const;

 private:
  [[nodiscard]] bool has_too_many_posts(std::uint32_t posts) const;
  /// Without what was set apart.
  [[nodiscard]] bool is_usable(std::uint32_t batches, std::uint64_t operations) const;
  /// Of the limits, whichever is the larger part.
  [[nodiscard]] double part(std::uint64_t batches, std::uint64_t operations) const;
  /// By the API, as far as is known.
  [[nodiscard]] double held() const;

  std::uint32_t limit_batches_;
  std::uint64_t limit_operations_;
  std::uint32_t batches_ = 0;
  std::uint64_t operations_ = 0;
  std::uint32_t keys_ = 0;              ///< of batches_: abandoned keys
  std::uint64_t key_operations_ = 0;    ///< of operations_: theirs
  std::uint32_t apart_ = 0;             ///< of batches_: set apart, and none of keys_ or posts_
  std::uint64_t apart_operations_ = 0;  ///< of operations_: theirs
  std::uint32_t posts_ = 0;             ///< of batches_: not yet answered
  std::uint32_t back_ = 0;              ///< of batches_: stand back, and none of keys_ or posts_
  std::uint64_t post_operations_ = 0;   ///< of operations_: theirs
  RefusedLevel level_;
};

}  // namespace usherd
