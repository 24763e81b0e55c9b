#pragma once

#include "usherd/admin/code_tally.hpp"
#include "usherd/admin/duration_histogram.hpp"
#include "usherd/admin/rate_ring.hpp"
#include "usherd/admin/request_tally.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/settle/batch_verdict.hpp"
#include "usherd/validate/record.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace usherd {

/// How a batch ended, as metrics name it.
enum class BatchResult : std::uint8_t { imported, with_rejects, unknown, divided };
inline constexpr std::size_t kBatchResults = 4;
[[nodiscard]] std::string_view to_string(BatchResult result);

/// The exceptions by which another key goes out, as metrics name them.
inline constexpr std::array<std::string_view, 3> kRekeyReasons{"server_errors", "job_failed", "key_expired"};

/// What happened since the start, in plain counters of fixed size: the stages add, status and metrics read.
/// No locks: event loop only.
class Tally {
 public:
  explicit Tally(BootTime now) : rate_(now) {}

  void answered(Call call, unsigned status, BootClock::duration duration) {
    requests_.add(call, status, duration);
  }
  /// A body went out whole.
  void body_sent(std::uint64_t bytes) { sent_bytes_ += bytes; }
  void locally_rejected(std::span<const Rejection> rejections, WallTime now);
  /// A batch ended so. `counts` tell by place in `reasons` how many records ended for each, `outcomes` are
  /// those of all its records.
  void batch_ended(std::span<const Reason> reasons, std::span<const ReasonCounts> counts,
                   const Outcomes& outcomes, Instant now);
  void batch_divided() { ++batches_[static_cast<std::size_t>(BatchResult::divided)]; }
  void key_given_up(std::string_view reason);
  void job_ended(std::chrono::nanoseconds duration) { jobs_.add(duration); }
  void job_accepted(WallTime now) { last_success_ = now; }

  [[nodiscard]] const RequestTally& requests() const { return requests_; }
  [[nodiscard]] std::uint64_t sent_bytes() const { return sent_bytes_; }
  [[nodiscard]] const Outcomes& records() const { return records_; }
  [[nodiscard]] std::uint64_t rejects(RejectStage stage) const {
    return rejects_[static_cast<std::size_t>(stage)];
  }
  [[nodiscard]] std::uint64_t batches(BatchResult result) const {
    return batches_[static_cast<std::size_t>(result)];
  }
  /// By place in kRekeyReasons.
  [[nodiscard]] std::uint64_t rekeyed(std::size_t reason) const { return rekeyed_[reason]; }
  [[nodiscard]] const DurationHistogram& jobs() const { return jobs_; }
  [[nodiscard]] const CodeTally& codes() const { return codes_; }
  [[nodiscard]] const RateRing& rate() const { return rate_; }
  /// When the API last took a batch or imported one.
  [[nodiscard]] std::optional<WallTime> last_success() const { return last_success_; }

 private:
  RequestTally requests_;
  std::uint64_t sent_bytes_ = 0;
  Outcomes records_;
  std::array<std::uint64_t, kRejectStages> rejects_{};
  std::array<std::uint64_t, kBatchResults> batches_{};
  std::array<std::uint64_t, kRekeyReasons.size()> rekeyed_{};
  DurationHistogram jobs_{kJobBounds};
  CodeTally codes_;
  RateRing rate_;
  std::optional<WallTime> last_success_;
};

}  // namespace usherd
