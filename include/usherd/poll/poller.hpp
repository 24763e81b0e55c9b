#pragma once

#include "usherd/core/log.hpp"
#include "usherd/core/random.hpp"
#include "usherd/poll/poll_schedule.hpp"
#include "usherd/poll/result_page.hpp"
#include "usherd/ports/semaphore.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/submit/active_batch.hpp"
#include "usherd/submit/api_answer.hpp"
#include "usherd/submit/api_client.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>

namespace usherd {

/// A job seen at its end.
struct JobSeen {
  enum class End : std::uint8_t {
    finished,   ///< `answer` says how
    vanished,   ///< 404 for longer than a new job may take to appear
    timed_out,  ///< limits.job_timeout passed, and it was asked about since
    stopped     ///< we are stopping, or the operator gave the job up
  };
  End end = End::stopped;
  JobAnswer answer;
};

/// What became of the reading of result pages.
enum class PagesEnd : std::uint8_t {
  complete,
  forbidden,   ///< 403: the key's role may not read them
  unreadable,  ///< more pages than any batch fills, or pages that stay unreadable
  stale,       ///< the same of one that a token led to, which may have grown too old: the first may be read
  timed_out,   ///< limits.job_timeout passed before the last page
  stopped      ///< we are stopping, or the operator gave the job up
};

struct PagesRead {
  PagesEnd end = PagesEnd::stopped;
  std::string why;  ///< of unreadable and stale: what came in the page's place, in our words
};

/// A page that was read, and its place among those that are under way.
struct PageAtHand {
  ResultPage page;
  SemaphorePlace place;  ///< given back before anything is waited for that may take long
};

/// Follows jobs to their end and reads their result pages. Event loop only; all references must outlive it.
class Poller {
 public:
  /// Result pages of all jobs, from before the question until they were taken: at a round trip of 200 ms as
  /// many as the default limits.requests_per_second lets out, and some 64 MiB at most. One that is longer
  /// than kMostResultPageBytes is under way alone.
  static constexpr std::size_t kPagesAtOnce = 4;

  struct Parts {
    boost::asio::any_io_executor loop;
    ApiClient& api;
    PollSchedule& schedule;
    Timers& timers;
    Random& random;
    Log& log;
    Milliseconds job_timeout{0};
  };
  explicit Poller(const Parts& parts) : parts_(parts), pages_(parts.loop, kPagesAtOnce) {}

  /// Returns when the batch's job has ended in one way or another, or was given up; `started` is when it was
  /// accepted, as the boot clock tells it.
  [[nodiscard]] boost::asio::awaitable<JobSeen> follow(const ActiveBatch& batch, BootTime started);
  /// Errc::unavailable: not taken now, to be read again at once. Errc::cancelled: stopping, or given up.
  using OnPage = std::function<boost::asio::awaitable<Result<void>>(PageAtHand)>;
  /// Hands /errors or /imports of the batch's job to `on_page`, page by page, so that only one is held at a
  /// time, and of all batches kPagesAtOnce, or one long one; `started` as above.
  [[nodiscard]] boost::asio::awaitable<PagesRead> read_pages(const ActiveBatch& batch, BootTime started,
                                                             Call call, OnPage on_page);
  [[nodiscard]] Milliseconds job_timeout() const { return parts_.job_timeout; }
  void set_job_timeout(Milliseconds timeout) { parts_.job_timeout = timeout; }

 private:
  [[nodiscard]] boost::asio::awaitable<ApiClient::Reply> get(Call call, std::string target,
                                                             std::uint64_t most);
  [[nodiscard]] boost::asio::awaitable<ApiClient::Reply> ask(const ActiveBatch& batch);
  [[nodiscard]] boost::asio::awaitable<void> wait_due(Alarm& alarm, const PollSchedule::Job& job,
                                                      BootTime earliest);
  void plan_anew();

  Parts parts_;
  Semaphore pages_;
  std::list<Alarm*> waiting_;  ///< of jobs that wait for their next poll, in the order of their waits
};

}  // namespace usherd
