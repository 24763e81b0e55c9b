#pragma once

#include "usherd/batch/open_files.hpp"
#include "usherd/core/log.hpp"
#include "usherd/core/random.hpp"
#include "usherd/ports/workers.hpp"
#include "usherd/submit/active_batch.hpp"
#include "usherd/submit/api_answer.hpp"
#include "usherd/submit/api_client.hpp"
#include "usherd/submit/body_lesson.hpp"
#include "usherd/submit/budget_recovery.hpp"
#include "usherd/submit/in_progress_budget.hpp"
#include "usherd/submit/recorder.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace usherd {

/// Counts what the stages have in common: how many POSTs passed, what body size did not get through.
struct SubmitStats {
  std::uint64_t accepted = 0;
  BodyLesson lesson;
  std::string refusal_code;  ///< of the lone records refused in a row
  unsigned refusals_in_a_row = 0;
  bool refused_unnoted = false;  ///< parked `refused` for them, and a restart would not know
  /// When a batch last went on because of its plain 500s while nobody passed.
  std::optional<BootTime> last_lone_rekey;
  std::uint32_t drawing_errors = 0;  ///< batches being sent whose last answer was a plain 500
};

enum class SubmitEnd : std::uint8_t {
  accepted,      ///< the job id is durable
  halve,         ///< it did not run, or its key is given up: two batches with keys of their own
  rekey,         ///< exception b: its key drew server errors while others passed
  reject,        ///< the lone record is refused with code and message
  give_up,       ///< the lone record ends unknown
  expired,       ///< its key is older than 23 hours
  file_changed,  ///< its bytes are not there any more
  gives_way,     ///< limits fell below it, or what is in progress, before anything of it was sent
  unreadable,    ///< the disk does not give its body for now, and nothing of it was sent
  stopped,
};

struct SubmitResult {
  SubmitEnd end = SubmitEnd::stopped;
  std::string code;
  std::string message;
  /// With halve: nothing proves that the key did not run.
  bool key_may_run = false;
  /// With unreadable: how long until the disk may be asked again.
  Milliseconds pause{0};
};

/// How large the operator wants batches to be, whatever the API taught since.
struct BatchSize {
  std::uint64_t records = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max();
};

/// Brings a frozen batch to the API: tries until the API gave a job or a verdict. Event loop only; all
/// references must outlive it.
class Submitter {
 public:
  struct Parts {
    ApiClient& api;
    Recorder& recorder;
    InProgressBudget& budget;
    BudgetRecovery& recovery;
    OpenFiles& files;
    Files& disk;
    Workers workers;
    Timers& timers;
    Random& random;
    Log& log;
    std::string boot_id;
  };
  explicit Submitter(Parts parts) : parts_(std::move(parts)) {}

  /// Holds for what was not sent yet.
  void configure(BatchSize size) { size_ = size; }
  /// Into how many a batch of which nothing was sent is to be cut, now that the limits are what they are; 1:
  /// it goes as it is.
  [[nodiscard]] std::uint64_t pieces_due(const ActiveBatch& batch) const;

  /// Lets others go before the batch until then, and on until it is its turn; false: we are stopping.
  using StandBack = std::function<boost::asio::awaitable<bool>(ActiveBatch& batch, BootTime until)>;

  /// For the sake of other batches.
  struct Hooks {
    /// Called once when it backs off for the third time, which may go on for hours.
    std::function<void()> steps_aside = {};
    /// Awaited from then on whenever it draws a plain 500 and no other batch could be tried beside it.
    StandBack stands_back = {};
    /// Whether it may give its key up because of plain 500s, and so hold a place more. Empty: it may.
    std::function<bool(const ActiveBatch& batch)> may_leave_key = {};
  };

  /// Changes the batch's row as it goes, always after the ledger did.
  [[nodiscard]] boost::asio::awaitable<SubmitResult> submit(ActiveBatch& batch, Hooks hooks);
  /// One POST with the key of an accepted batch whose job is not found any more: the job that the answer
  /// names, or an Error when there was none: unavailable when it may be asked again, timeout when it may and
  /// the API said nothing of this batch, cancelled when we are stopping, else it is of no use.
  [[nodiscard]] boost::asio::awaitable<Result<JobAnswer>> repost(ActiveBatch& batch);
  /// Gives the batch another key; `reason` is set when the old one may still run: its place goes over to that
  /// one, and the batch has none.
  [[nodiscard]] boost::asio::awaitable<bool> new_key(ActiveBatch& batch, std::string reason);
  /// The batch has ended: its job, if it has one, is nobody's any more.
  void ended(const ActiveBatch& batch) { parts_.api.jobs().ended(batch.row.job, batch.row.id); }
  [[nodiscard]] SendTime send_time() const;
  [[nodiscard]] SubmitStats& stats() { return stats_; }

 private:
  struct Attempt {
    ApiClient::Reply reply;
    PostTry outcome;
    Result<JobAnswer> job = Error{Errc::unavailable, "no answer"};
    std::optional<ApiError> error;

    /// What it was refused with: the API's word, or the status where it gave none.
    [[nodiscard]] std::string code() const;
  };
  struct Posting;
  [[nodiscard]] boost::asio::awaitable<SubmitResult> post_until_decided(ActiveBatch& batch, Posting& posting);
  [[nodiscard]] boost::asio::awaitable<bool> record_key(ActiveBatch& batch, bool retire, bool had_send_time);
  /// False: we are stopping.
  [[nodiscard]] boost::asio::awaitable<bool> back_off(ActiveBatch& batch, const PostTry& tried,
                                                      Posting& posting);
  [[nodiscard]] boost::asio::awaitable<Attempt> attempt(ActiveBatch& batch);
  [[nodiscard]] boost::asio::awaitable<Result<void>> before_send(ActiveBatch& batch);
  [[nodiscard]] boost::asio::awaitable<bool> accept(ActiveBatch& batch, const JobAnswer& job,
                                                    WallTime submitted);
  [[nodiscard]] bool is_expired(const ActiveBatch& batch) const;
  /// POSTs were accepted since the key drew its first 500.
  [[nodiscard]] bool others_passed(const ActiveBatch& batch) const;
  [[nodiscard]] bool may_be_cut_alone(const ActiveBatch& batch) const;
  [[nodiscard]] PostContext context(const ActiveBatch& batch) const;
  [[nodiscard]] BootTime goes_again_at(const ActiveBatch& batch) const;
  /// What a try tells of the age of its key, and since when others are to pass.
  void note_try(const PostTry& tried, ActiveBatch& batch) const;
  void note_unreadable(const Attempt& tried, ActiveBatch& batch) const;
  void note_replays(const Attempt& tried, const PostDecision& decision, const ActiveBatch& batch) const;
  /// How the submission ends where nothing was sent.
  [[nodiscard]] static std::optional<SubmitEnd> end_unsent(const Attempt& tried);
  [[nodiscard]] static SubmitResult result_of(SubmitEnd end, const Attempt& tried, bool key_may_run);
  void note_end(SubmitEnd end, const Attempt& tried, ActiveBatch& batch);
  void note_refusal(const std::string& code);
  /// False: we are stopping.
  [[nodiscard]] boost::asio::awaitable<bool> note_parked();

  Parts parts_;
  SubmitStats stats_;
  BatchSize size_;
};

}  // namespace usherd
