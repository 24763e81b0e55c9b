#include "src/app/daemon_parts.hpp"

#include "usherd/app/api_key.hpp"
#include "usherd/app/config_proxy.hpp"
#include "usherd/spool/folders.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>

namespace usherd {
namespace {

constexpr std::size_t kWorkers = 2;
constexpr const char* kSecretFact = "user_key_secret";

FoundationFault fault(ExitCode exit, Error error) {
  return {exit, std::move(error)};
}

/// The id of this boot: boot times of different boots cannot be compared.
std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::unique_ptr<Watch> watch_of(boost::asio::io_context& loop, const std::string& directory, Log& log) {
  auto watch = InotifyWatch::open(loop.get_executor(), directory);
  if (watch)
    return std::move(*watch);
  // The rescan finds everything all the same, only later.
  log.warn("incoming/ cannot be watched: {}; files are found by the rescan alone", watch.error().message);
  return nullptr;
}

/// Nobody but usherd has business there.
Result<void> make_state_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return Error::system(errno, "make state.directory " + directory);
  return {};
}

/// The secret under which users are hashed: made once, kept with the ledger.
Result<std::unique_ptr<UserKeys>> user_keys_of(Ledger& ledger) {
  auto stored = ledger.fact(kSecretFact);
  if (!stored)
    return stored.error();
  std::array<std::byte, UserKeys::kSecretBytes> secret{};
  if (*stored) {
    if ((**stored).size() != secret.size())
      return Error{Errc::corrupt, "the ledger's secret of user keys has a wrong length: run 'usherd doctor'"};
    std::memcpy(secret.data(), (**stored).data(), secret.size());
  } else {
    std::random_device device;
    for (auto& byte : secret)
      byte = static_cast<std::byte>(device());
    const std::string_view text(reinterpret_cast<const char*>(secret.data()), secret.size());
    const auto set = [&] { return ledger.set_fact(kSecretFact, text); };
    if (auto done = ledger.transaction(set); !done)
      return done.error();
  }
  return std::make_unique<UserKeys>(secret);
}

}  // namespace

boost::system::result<Foundation, FoundationFault> lay_foundation(const Config& config, Files& disk) {
  Foundation foundation;
  auto https = https_options(config);
  if (!https)
    return fault(ExitCode::config, https.error());
  foundation.https = std::move(*https);
  const SpoolLayout layout(config.spool.directory);
  if (auto folders = prepare_folders(disk, layout); !folders)
    return fault(ExitCode::config, folders.error());
  if (auto made = make_state_directory(config.state.directory); !made)
    return fault(ExitCode::config, made.error());
  auto lock = SpoolLock::take(config.spool.directory, config.state.directory);
  if (!lock)
    return fault(lock.error().code == Errc::denied ? ExitCode::busy : ExitCode::config, lock.error());
  foundation.lock = std::make_unique<SpoolLock>(std::move(*lock));
  auto ledger = Ledger::open(config.state.directory);
  if (!ledger)
    return fault(ledger.error().code == Errc::corrupt ? ExitCode::config : ExitCode::failure, ledger.error());
  foundation.ledger = std::move(*ledger);
  if (auto matched = match_spool(disk, layout, *foundation.ledger); !matched)
    return fault(ExitCode::config, matched.error());
  auto keys = user_keys_of(*foundation.ledger);
  if (!keys)
    return fault(ExitCode::failure, keys.error());
  foundation.user_keys = std::move(*keys);
  return foundation;
}

Result<HttpsOptions> https_options(const Config& config) {
  HttpsOptions options;
  auto base = parse_url(config.api.base_url);
  if (!base)
    return base.error().within("api.base_url");
  options.base = *base;
  options.ca_file = config.api.ca_file;
  options.connect_timeout = config.api.connect_timeout;
  options.request_timeout = config.api.request_timeout;
  const auto proxy = choose_proxy(config.api, process_environment());
  if (!proxy)
    return proxy.error();
  if (*proxy) {
    ProxyAddress address{(*proxy)->host, (*proxy)->port, {}};
    if (!config.api.proxy_credentials_file.empty()) {
      const auto credentials = read_proxy_credentials(config.api.proxy_credentials_file);
      if (!credentials)
        return credentials.error();
      address.credentials = std::string(credentials->reveal());
    }
    options.proxy = std::move(address);
  }
  return options;
}

BatchLimits batch_limits(const Config& config, std::uint64_t learnt_body_bytes) {
  BatchLimits limits;
  limits.records = static_cast<std::uint32_t>(effective_max_records(config));
  limits.bytes = config.batch.max_bytes;
  if (learnt_body_bytes != 0)
    limits.bytes = std::min(limits.bytes, learnt_body_bytes);
  limits.linger = config.batch.linger;
  return limits;
}

DaemonParts::DaemonParts(const Config& config, Foundation& foundation, std::unique_ptr<HttpsTransport> https,
                         Files& disk, boost::asio::io_context& loop, KeyHolder& key, Log& log,
                         bool watch_incoming)
    : layout(config.spool.directory),
      timers(loop.get_executor()),
      random(Random::from_system()),
      ledger_thread(1),
      pool(kWorkers),
      ledger(*foundation.ledger, ledger_thread.workers()),
      gate(loop.get_executor(), timers,
           TokenBucket(config.limits.requests_per_second, static_cast<double>(config.limits.burst)), log),
      transport(std::move(https)),
      sessions(loop.get_executor(), *transport, config.api.sessions),
      api(ApiClient::Options{foundation.https.base.prefix,
                             [&key] { return key.authorization(); },
                             [&key] { key.reread(); },
                             {}},
          gate, sessions, timers, log),
      budget(static_cast<std::uint32_t>(config.limits.in_progress_batches),
             config.limits.in_progress_operations),
      files(layout),
      batcher(loop.get_executor(), timers, batch_limits(config, 0), config.batch.lookahead),
      recorder(ledger, gate, timers, log),
      submitter(Submitter::Parts{api, recorder, budget, files, disk, pool.workers(), timers, random, log,
                                 read_boot_id()}),
      schedule(random.up_to(~std::uint64_t{0})),
      poller(Poller::Parts{api, schedule, timers, random, log, config.limits.job_timeout}),
      freezing(Freezing::Parts{batcher, files, disk, pool.workers(), recorder, submitter, timers, random,
                               config.records.merge},
               foundation.ledger->last_batch_id().value()),
      settling(Settling::Parts{loop.get_executor(), disk, pool.workers(), ledger, recorder, files, timers,
                               log, KeepTimes{config.spool.keep_done, config.spool.keep_rejected}}),
      tasks(loop.get_executor()),
      delivery(Delivery::Parts{loop.get_executor(), tasks, batcher, freezing, submitter, poller, budget,
                               files, disk, pool.workers(), ledger, recorder, gate, timers, log,
                               *foundation.user_keys, config.api.sessions,
                               [this](FileNumber number) { settling.file_progressed(number); }}),
      feed(FileFeed::Parts{loop.get_executor(), ledger, recorder, files, batcher, disk, pool.workers(), log,
                           RecordRules{config.records.anonymous == AnonymousRecords::accept},
                           *foundation.user_keys,
                           [this](FileNumber number) { settling.file_progressed(number); }}),
      watch(watch_incoming ? watch_of(loop, layout.incoming(), log) : nullptr),
      intake(IntakeOptions{config.spool.settle, config.spool.rescan, config.spool.min_free, {}}, layout, disk,
             watch.get(), timers, pool.workers(), ledger, log, [this] { feed.files_arrived(); }),
      identity(api, ledger, log, config.api.base_url) {}

}  // namespace usherd
