#include "src/app/daemon_parts.hpp"

#include "usherd/app/api_key.hpp"
#include "usherd/app/config_proxy.hpp"
#include "usherd/settle/cut_retries.hpp"
#include "usherd/settle/published_end.hpp"
#include "usherd/spool/folders.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <random>

namespace usherd {
namespace {

FoundationFault fault(ExitCode exit, Error error) {
  return {exit, std::move(error)};
}

FoundationFault disk_fault(const Error& error) {
  constexpr auto kAdvice =
      "{}; usherd cannot start before that is mended; as a service it will be started again until then";
  return fault(ExitCode::failure, {error.code, fmt::format(kAdvice, error.message)});
}

/// What the disk refuses may pass, and no word of the configuration is wrong.
FoundationFault start_fault(const Error& error) {
  return error.code == Errc::no_space ? disk_fault(error) : fault(ExitCode::config, error);
}

/// The folders were found and tried: a disk that does not give what is in them tells nothing against the
/// configuration.
FoundationFault found_fault(const Error& error) {
  return error.code == Errc::io ? disk_fault(error) : start_fault(error);
}

/// A damaged ledger may show only here, where more than its first pages is read.
FoundationFault pair_fault(const Error& error) {
  return error.code == Errc::corrupt ? ledger_fault(error) : found_fault(error);
}

/// Nobody but usherd has business there.
Result<void> make_state_directory(const std::string& directory, MadePlaces& made) {
  if (::mkdir(directory.c_str(), 0700) == 0)
    made.note_directory(directory);
  else if (errno != EEXIST)
    return call_error(directory, errno, "make state.directory " + directory);
  return {};
}

/// SQLite needs a little room for its log before a word can be read: on a full disk what was kept back is for
/// that, too.
Result<std::unique_ptr<Ledger>> open_ledger(const Config& config) {
  auto ledger = Ledger::open(config.state.directory);
  const bool full = !ledger && (ledger.error().code == Errc::no_space || ledger.error().code == Errc::io);
  if (full && SpaceReserve({config.state.directory, config.spool.directory}).give())
    return Ledger::open(config.state.directory);
  return ledger;
}

/// Nothing is kept back on another disk in the spool's place.
std::function<Result<void>()> keeping_back(const AnchoredFiles& disk, SpaceReserve* reserve) {
  if (reserve == nullptr)
    return {};
  return [&disk, reserve] {
    const auto held = disk.holds();
    return held ? reserve->hold() : held;
  };
}

/// Room on another disk in the spool's place is none: nothing may be taken there, or unpacked.
std::function<Result<std::uint64_t>()> room_of_spool(const AnchoredFiles& disk,
                                                     std::function<Result<std::uint64_t>()> ask,
                                                     const std::string& directory) {
  if (!ask)
    ask = [directory] { return free_bytes(directory); };
  return [&disk, ask = std::move(ask)]() -> Result<std::uint64_t> {
    if (auto held = disk.holds(); !held)
      return held.error();
    return ask();
  };
}

}  // namespace

FoundationFault ledger_fault(const Error& error) {
  if (error.code == Errc::invalid)
    return fault(ExitCode::config, error);
  if (error.code != Errc::corrupt)
    return fault(ExitCode::failure, error);
  // What was found by looking closely says itself what is to be done.
  if (error.message.find("usherd doctor") != std::string::npos)
    return fault(ExitCode::config, error);
  constexpr auto kAdvice =
      "{}: run 'usherd doctor', and with --repair where it says so; what that cannot mend takes "
      "a copy of the state directory that was made together with the spool";
  return fault(ExitCode::config, {error.code, fmt::format(kAdvice, error.message)});
}

Result<std::unique_ptr<UserKeys>> user_keys_from(std::string_view stored) {
  std::array<std::byte, UserKeys::kSecretBytes> secret{};
  if (stored.size() != secret.size())
    return Error{Errc::corrupt, "the ledger's secret of user keys has a wrong length: run 'usherd doctor'"};
  std::memcpy(secret.data(), stored.data(), secret.size());
  return std::make_unique<UserKeys>(secret);
}

Result<std::unique_ptr<UserKeys>> user_keys_of(Ledger& ledger, const std::function<std::byte()>& random) {
  auto stored = ledger.fact(kUserKeySecret);
  if (!stored)
    return stored.error();
  if (*stored)
    return user_keys_from(**stored);
  std::string secret(UserKeys::kSecretBytes, '\0');
  std::generate(secret.begin(), secret.end(), [&] { return static_cast<char>(random()); });
  const auto set = [&] { return ledger.set_fact(kUserKeySecret, secret); };
  if (auto done = ledger.transaction(set); !done)
    return done.error();
  return user_keys_from(secret);
}

namespace {

/// The files by which a spool and its state are a pair, where they are yet to be made.
void note_pair(const Config& config, MadePlaces& made) {
  const auto ledger = config.state.directory + "/ledger.sqlite";
  // The log of a ledger that is there holds commits of it.
  if (made.note_file_if_missing(ledger)) {
    for (const auto* ending : {"-wal", "-shm"})
      made.note_file(ledger + ending);
  }
  made.note_file_if_missing(config.spool.directory + "/.usherd-spool");
}

boost::system::result<void, FoundationFault> lay(const Config& config, Files& disk, MadePlaces& made,
                                                 Foundation& foundation) {
  const SpoolLayout layout(config.spool.directory);
  if (auto folders = prepare_folders(disk, layout, &made); !folders)
    return start_fault(folders.error());
  const auto not_locked = [](const Error& error) {
    return error.code == Errc::denied ? fault(ExitCode::busy, error) : start_fault(error);
  };
  auto lock = SpoolLock::take_spool(config.spool.directory, &made);
  if (!lock)
    return not_locked(lock.error());
  // Not before: beside a spool that is held, nobody could tell whether its holder uses it already.
  if (auto state = make_state_directory(config.state.directory, made); !state)
    return start_fault(state.error());
  if (auto both = lock->take_state(config.state.directory, &made); !both)
    return not_locked(both.error());
  foundation.lock = std::make_unique<SpoolLock>(std::move(*lock));
  // Before spool and state are held against each other: what those find is in this one.
  auto working = FolderIdentity::of(disk, layout.working());
  if (!working)
    return found_fault(working.error());
  foundation.working = *working;
  if (auto swept = sweep_trials(disk, layout); !swept)
    return found_fault(swept.error());
  note_pair(config, made);
  auto ledger = open_ledger(config);
  if (!ledger)
    return ledger_fault(ledger.error());
  foundation.ledger = std::move(*ledger);
  if (auto matched = match_spool(disk, layout, *foundation.ledger); !matched)
    return pair_fault(matched.error());
  if (auto current = refuse_older_state(disk, layout, *foundation.ledger); !current)
    return pair_fault(current.error());
  // Before anything is taken in. What the disk refuses here holds no delivery up.
  if (auto ended = CutRetries(disk, layout).finish(); !ended)
    foundation.cut_retry = ended.error();
  std::random_device device;
  const auto random = [&device] { return static_cast<std::byte>(device()); };
  auto keys = user_keys_of(*foundation.ledger, random);
  if (!keys)
    return ledger_fault(keys.error());
  foundation.user_keys = std::move(*keys);
  return boost::system::in_place_value;
}

}  // namespace

boost::system::result<Foundation, FoundationFault> lay_foundation(const Config& config, Files& disk) {
  MadePlaces made;
  Foundation foundation;
  const auto laid = lay(config, disk, made, foundation);
  if (laid)
    return foundation;
  foundation.ledger.reset();
  made.remove();
  return laid.error();
}

Result<HttpsOptions> https_options(const Config& config, const Environment& environment) {
  HttpsOptions options;
  auto base = parse_url(config.api.base_url);
  if (!base)
    return base.error().within("api.base_url");
  options.base = *base;
  options.ca_file = config.api.ca_file;
  options.connect_timeout = config.api.connect_timeout;
  options.request_timeout = config.api.request_timeout;
  auto proxy = choose_proxy(config.api, environment);
  if (!proxy)
    return proxy.error();
  options.proxy = std::move(*proxy);
  if (options.proxy && !config.api.proxy_credentials_file.empty()) {
    auto credentials = read_proxy_credentials(config.api.proxy_credentials_file);
    if (!credentials)
      return credentials.error();
    options.proxy->credentials = std::make_shared<const Secret>(std::move(*credentials));
  }
  return options;
}

ConvertLimits convert_limits(const Config& config, std::function<Result<std::uint64_t>()> free) {
  const auto& spool = config.spool;
  ConvertLimits limits;
  limits.max_unpacked = spool.max_unpacked;
  limits.max_ratio = spool.max_ratio;
  limits.room = [directory = spool.directory, least = spool.min_free,
                 ask = std::move(free)]() -> Result<void> {
    const auto room = ask();
    if (!room)
      return room.error();
    if (*room >= least)
      return {};
    return Error{Errc::no_space,
                 fmt::format("{} are free on {}, spool.min_free is {}, and a file is to be unpacked",
                             format_size(*room), directory, format_size(least))};
  };
  return limits;
}

RecordRules record_rules(const Config& config) {
  return {config.records.anonymous == AnonymousRecords::accept};
}

BatchLimits batch_limits(const Config& config) {
  BatchLimits limits;
  limits.records = static_cast<std::uint32_t>(effective_max_records(config));
  limits.bytes = config.batch.max_bytes;
  limits.linger = config.batch.linger;
  return limits;
}

BatchSize batch_size(const Config& config) {
  return {effective_max_records(config), config.batch.max_bytes};
}

BootClock::duration longest_exchange_of(const Config& config) {
  // A session that the server closed meanwhile costs a second connection and the request once more.
  return 2 * (config.api.connect_timeout + kMostAnswerTimes * config.api.request_timeout);
}

DaemonParts::DaemonParts(const Config& config, Foundation& foundation, DaemonPorts ports, Log& log)
    : layout(config.spool.directory),
      disk(ports.disk, layout, foundation.working),
      free_space(room_of_spool(disk, std::move(ports.free_space), config.spool.directory)),
      longest_exchange(longest_exchange_of(config)),
      timers(ports.timers, waits),
      workers(ports.workers),
      service(ports.service),
      random(ports.random),
      tally(timers.now().boot),
      ledger(*foundation.ledger, ports.ledger_thread),
      gate(ports.loop, timers,
           TokenBucket(config.limits.requests_per_second, static_cast<double>(config.limits.burst)), log),
      sessions(ports.loop, ports.transport, config.api.sessions),
      api(ApiClient::Options{std::move(ports.authorization), std::move(ports.reread_key),
                             [this](const ApiRequest& request, const Exchange& exchange,
                                    BootClock::duration duration) { count(request, exchange, duration); },
                             &waits, [this] { return longest_exchange; }},
          gate, sessions, timers, log),
      budget(static_cast<std::uint32_t>(config.limits.in_progress_batches),
             config.limits.in_progress_operations),
      recovery(budget, timers),
      files(layout),
      batcher(ports.loop, timers, batch_limits(config), config.batch.lookahead),
      recorder(ledger, gate, timers, log),
      submitter(Submitter::Parts{api, recorder, budget, recovery, files, disk, ports.workers, timers, random,
                                 log, ports.boot_id}),
      schedule(random.up_to(~std::uint64_t{0})),
      poller(Poller::Parts{ports.loop, api, schedule, timers, random, log, config.limits.job_timeout}),
      freezing(Freezing::Parts{ports.loop, batcher, files, disk, ports.workers, recorder, submitter, timers,
                               random, record_rules(config), *foundation.user_keys, config.records.merge},
               foundation.ledger->last_batch_id().value()),
      settling(Settling::Parts{ports.loop, disk, ports.workers, ledger, recorder, files, timers, log,
                               KeepTimes{config.spool.keep_done, config.spool.keep_rejected}, free_space}),
      tasks(ports.loop),
      delivery(Delivery::Parts{ports.loop, tasks, batcher, freezing, submitter, poller, budget, files, disk,
                               ports.workers, ledger, recorder, gate, timers, log, *foundation.user_keys,
                               tally, config.api.sessions,
                               [this](FileNumber number) { settling.file_progressed(number); }}),
      feed(FileFeed::Parts{ports.loop, tasks, ledger, recorder, files, batcher, disk, ports.workers, log,
                           record_rules(config), convert_limits(config, free_space), *foundation.user_keys,
                           timers, tally, config.api.sessions,
                           [this](FileNumber number) { settling.file_progressed(number); }}),
      intake(IntakeOptions{config.spool.settle, config.spool.rescan, config.spool.min_free, free_space,
                           keeping_back(disk, ports.reserve), foundation.ledger->last_batch_id().value()},
             layout, disk, ports.watch, timers, ports.workers, ledger, log, [this] { feed.files_arrived(); }),
      identity(Identity::Parts{api, ledger, timers, random, log, config.api.base_url}),
      held_wait(ledger, gate, tasks, timers, std::move(ports.boot_id)) {
  if (const auto restored = held_wait.restore(*foundation.ledger); !restored)
    log.warn("{}: what the API told the last run to wait is not known", restored.error().message);
  if (foundation.cut_retry)
    log.warn(
        "a retry of rejects was cut short and cannot be ended now ({}): the next start or `usherd rejects "
        "retry` "
        "tries again, and until then no rejects are exported",
        foundation.cut_retry->message);
  submitter.configure(batch_size(config));
  if (ports.reserve != nullptr)
    recorder.spend(*ports.reserve, keeping_back(disk, ports.reserve));
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the callbacks above own what it takes for lost.
}

void DaemonParts::count(const ApiRequest& request, const Exchange& exchange, BootClock::duration duration) {
  tally.answered(request.call, exchange.failure ? 0 : exchange.status, duration);
  if (request.body != nullptr && exchange.sent_whole)
    tally.body_sent(request.body->length());
}

}  // namespace usherd
