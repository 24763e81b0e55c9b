#pragma once

#include "usherd/adapters/https_transport.hpp"
#include "usherd/adapters/inotify_watch.hpp"
#include "usherd/adapters/posix_files.hpp"
#include "usherd/adapters/system_timers.hpp"
#include "usherd/adapters/worker_pool.hpp"
#include "usherd/app/config.hpp"
#include "usherd/app/delivery.hpp"
#include "usherd/app/exit_code.hpp"
#include "usherd/app/file_feed.hpp"
#include "usherd/app/identity.hpp"
#include "usherd/app/key_holder.hpp"
#include "usherd/app/settling.hpp"
#include "usherd/core/log.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/spool/intake.hpp"
#include "usherd/spool/spool_lock.hpp"
#include "usherd/submit/api_client.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace usherd {

/// What must hold before anything is built: folders, locks, an open ledger, a key. Blocking, at start.
struct Foundation {
  std::unique_ptr<SpoolLock> lock;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<UserKeys> user_keys;
  HttpsOptions https;
};

/// A Foundation, or why there is none and with which exit code that ends.
struct FoundationFault {
  ExitCode exit = ExitCode::failure;
  Error error;
};

[[nodiscard]] boost::system::result<Foundation, FoundationFault> lay_foundation(const Config& config,
                                                                                Files& disk);

/// Where requests go, from the configuration and the environment. Errors: an unusable proxy or file.
[[nodiscard]] Result<HttpsOptions> https_options(const Config& config);

[[nodiscard]] BatchLimits batch_limits(const Config& config, std::uint64_t learnt_body_bytes);

/// Every object of a running daemon, in the order in which they are built; each is given what it needs.
struct DaemonParts {
  DaemonParts(const Config& config, Foundation& foundation, std::unique_ptr<HttpsTransport> transport,
              Files& disk, boost::asio::io_context& loop, KeyHolder& key, Log& log, bool watch_incoming);

  SpoolLayout layout;
  SystemTimers timers;
  Random random;
  WorkerPool ledger_thread;
  WorkerPool pool;
  GroupCommit ledger;
  RequestGate gate;
  std::unique_ptr<HttpsTransport> transport;
  SessionPool sessions;
  ApiClient api;
  InProgressBudget budget;
  OpenFiles files;
  Batcher batcher;
  Recorder recorder;
  Submitter submitter;
  PollSchedule schedule;
  Poller poller;
  Freezing freezing;
  Settling settling;
  TaskGroup tasks;
  Delivery delivery;
  FileFeed feed;
  std::unique_ptr<Watch> watch;
  Intake intake;
  Identity identity;
};

}  // namespace usherd
