#include "usherd/admin/tally.hpp"

#include "usherd/submit/api_answer.hpp"

#include <algorithm>

namespace usherd {

std::string_view to_string(BatchResult result) {
  constexpr std::array<std::string_view, kBatchResults> names{"imported", "with_rejects", "unknown",
                                                              "divided"};
  return names[static_cast<std::size_t>(result)];
}

void Tally::locally_rejected(std::span<const Rejection> rejections, WallTime now) {
  for (const auto& rejection : rejections) {
    const auto stage = rejection.lost ? RejectStage::unknown : RejectStage::local;
    codes_.add(stage, rejection.code, 1, now);
    ++rejects_[static_cast<std::size_t>(stage)];
    ++(rejection.lost ? records_.unknown : records_.rejected);
  }
}

void Tally::batch_ended(std::span<const Reason> reasons, std::span<const ReasonCounts> counts,
                        const Outcomes& outcomes, Instant now) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto code = log_code(reasons[i].code);
    codes_.add(RejectStage::api, code, counts[i].rejected, now.wall);
    codes_.add(RejectStage::unknown, code, counts[i].unknown, now.wall);
  }
  rejects_[static_cast<std::size_t>(RejectStage::api)] += outcomes.rejected;
  rejects_[static_cast<std::size_t>(RejectStage::unknown)] += outcomes.unknown;
  records_ += outcomes;
  rate_.add(now.boot, outcomes.ended());
  const auto result = outcomes.unknown > 0    ? BatchResult::unknown
                      : outcomes.rejected > 0 ? BatchResult::with_rejects
                                              : BatchResult::imported;
  ++batches_[static_cast<std::size_t>(result)];
  if (outcomes.imported > 0)
    last_success_ = now.wall;
}

void Tally::key_given_up(std::string_view reason) {
  const auto known = std::find(kRekeyReasons.begin(), kRekeyReasons.end(), reason);
  if (known != kRekeyReasons.end())
    ++rekeyed_[static_cast<std::size_t>(known - kRekeyReasons.begin())];
}

}  // namespace usherd
