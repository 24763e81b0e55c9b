#pragma once

#include "src/app/held_wait.hpp"
#include "usherd/adapters/https_transport.hpp"
#include "usherd/admin/tally.hpp"
#include "usherd/app/config.hpp"
#include "usherd/app/delivery.hpp"
#include "usherd/app/environment.hpp"
#include "usherd/app/exit_code.hpp"
#include "usherd/app/file_feed.hpp"
#include "usherd/app/identity.hpp"
#include "usherd/app/settling.hpp"
#include "usherd/core/log.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/noted_timers.hpp"
#include "usherd/ports/service_manager.hpp"
#include "usherd/spool/anchored_files.hpp"
#include "usherd/spool/intake.hpp"
#include "usherd/spool/spool_lock.hpp"
#include "usherd/submit/api_client.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// What must hold before anything is built: folders, locks, an open ledger, a key. Blocking, at start.
struct Foundation {
  std::unique_ptr<SpoolLock> lock;
  FolderIdentity working;  ///< of the spool that the lock is for
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<UserKeys> user_keys;
  std::optional<Error> cut_retry;  ///< why a retry of rejects that was cut short could not be ended
};

/// A Foundation, or why there is none and with which exit code that ends.
struct FoundationFault {
  ExitCode exit = ExitCode::failure;
  Error error;
};

[[nodiscard]] boost::system::result<Foundation, FoundationFault> lay_foundation(const Config& config,
                                                                                Files& disk);

/// How a start ends that the ledger stands in the way of: a disk may mend, what contradicts itself does not.
[[nodiscard]] FoundationFault ledger_fault(const Error& error);

/// Where requests go, from the configuration and the environment. Errors: an unusable proxy or file.
[[nodiscard]] Result<HttpsOptions> https_options(const Config& config, const Environment& environment);

/// Conversions stop where they would leave less than spool.min_free.
[[nodiscard]] ConvertLimits convert_limits(const Config& config, std::function<Result<std::uint64_t>()> free);

[[nodiscard]] RecordRules record_rules(const Config& config);

[[nodiscard]] BatchSize batch_size(const Config& config);
[[nodiscard]] BatchLimits batch_limits(const Config& config);

/// The fact of the ledger that holds the secret under which users are hashed.
inline constexpr std::string_view kUserKeySecret = "user_key_secret";

/// Errc::corrupt for a secret of another length.
[[nodiscard]] Result<std::unique_ptr<UserKeys>> user_keys_from(std::string_view secret);

/// The secret under which users are hashed: made once from `random`, kept with the ledger.
[[nodiscard]] Result<std::unique_ptr<UserKeys>> user_keys_of(Ledger& ledger,
                                                             const std::function<std::byte()>& random);

/// The world as a daemon sees it. All of it outlives the daemon's parts.
struct DaemonPorts {
  boost::asio::any_io_executor loop;
  Timers& timers;
  Files& disk;
  Transport& transport;
  Workers workers;         ///< they read, check, hash and sync
  Workers ledger_thread;   ///< a single thread
  Watch* watch = nullptr;  ///< on incoming/; without one the rescan alone finds files
  Random random;
  std::string boot_id;                         ///< boot times of different boots cannot be compared
  std::function<std::string()> authorization;  ///< the value of the Authorization header
  std::function<void()> reread_key;
  std::function<Result<std::uint64_t>()> free_space;  ///< empty: asks the spool's file system
  ServiceManager* service = nullptr;                  ///< null: nobody asks
  SpaceReserve* reserve = nullptr;                    ///< without one nothing is kept back
};

/// By when an exchange has ended, one way or the other.
[[nodiscard]] BootClock::duration longest_exchange_of(const Config& config);

/// Every object of a running daemon, in the order in which they are built; each is given what it needs.
struct DaemonParts {
  DaemonParts(const Config& config, Foundation& foundation, DaemonPorts ports, Log& log);

  SpoolLayout layout;
  AnchoredFiles disk;
  std::function<Result<std::uint64_t>()> free_space;
  BootClock::duration longest_exchange;
  Waits waits;
  NotedTimers timers;
  Workers workers;
  ServiceManager* service;
  Random random;
  Tally tally;
  GroupCommit ledger;
  RequestGate gate;
  SessionPool sessions;
  ApiClient api;
  InProgressBudget budget;
  BudgetRecovery recovery;
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
  Intake intake;
  Identity identity;
  HeldWait held_wait;

 private:
  void count(const ApiRequest& request, const Exchange& exchange, BootClock::duration duration);
};

}  // namespace usherd
