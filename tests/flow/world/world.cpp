#include "tests/flow/world/world.hpp"

#include "src/app/daemon_parts.hpp"
#include "src/app/pause.hpp"
#include "src/app/supervision.hpp"
#include "tests/fakes/inline_workers.hpp"
#include "tests/fakes/manual_timers.hpp"
#include "tests/fakes/manual_watch.hpp"
#include "tests/flow/world/sandbox_transport.hpp"
#include "usherd/spool/folders.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <utility>

namespace usherd::flow {
namespace {

constexpr const char* kKey = "Basic na1.flow/key";
constexpr std::uint64_t kRoomy = 1ULL << 40;

/// USHERD_FLOW_LOG shows what a daemon says, for a look at a seed that fails.
std::shared_ptr<Log> flow_log() {
  return std::getenv("USHERD_FLOW_LOG") != nullptr ? make_log(LogLevel::debug, LogFormat::text)
                                                   : make_silent_log();
}

}  // namespace

Config world_config() {
  Config config;
  config.api.base_url = "http://127.0.0.1";
  config.api.sessions = 4;
  config.spool.directory = "/spool";
  config.state.directory = "/state";
  config.limits.requests_per_second = 1000;
  config.limits.burst = 1000;
  return config;
}

boost::asio::awaitable<void> go_on(Pause& pause) {
  static_cast<void>(co_await pause.resume());
}

/// One daemon, from its start to its end.
class World::Life {
 public:
  Life(World& world, Foundation foundation)
      : world_(world),
        timers_(loop_.get_executor(), world.clock_),
        began_(world.clock_.boot),
        watch_(loop_.get_executor()),
        workers_(loop_),
        transport_(SandboxTransport::Parts{loop_.get_executor(), world.server, world.effects, timers_,
                                           [&world] { return world.server_now(); },
                                           world.config.api.request_timeout}),
        log_(flow_log()),
        foundation_(std::move(foundation)),
        parts_(world.config, foundation_, ports(), *log_),
        pause_(parts_.ledger, parts_.gate, parts_.timers, [this] { return parts_.identity.parked_for(); }),
        supervision_(world.config, Daemon::Options{}, parts_, *log_, [](const Config&) {}) {
    if (!pause_.restore(*foundation_.ledger))
      throw std::runtime_error("the ledger does not tell what was paused");
    const auto ended = [this](const std::exception_ptr& failure) {
      ended_ = true;
      failure_ = failure;
    };
    boost::asio::co_spawn(loop_, supervision_.run(),
                          boost::asio::bind_cancellation_slot(cancel_.slot(), ended));
  }

  void announce(const std::string& name) { watch_.tell(name); }

  bool run_until(std::chrono::nanoseconds span, const std::function<bool()>& done) {
    const auto over = [&] { return world_.effects.stopped() || ended_ || done(); };
    timers_.run_until(loop_, span, over);
    if (ended_ && failure_ && !world_.effects.stopped())
      std::rethrow_exception(failure_);
    return !world_.effects.stopped() && done();
  }

  void run_for(std::chrono::nanoseconds span) {
    const auto end = timers_.now().boot + span;
    run_until(span, [] { return false; });
    if (!world_.effects.stopped() && !ended_)
      timers_.run_for(loop_, end - timers_.now().boot);
  }

  void stop() {
    supervision_.stop();
    timers_.run_until(loop_, std::chrono::hours(1), [this] { return ended_ || world_.effects.stopped(); });
    if (!world_.effects.stopped() && !ended_)
      throw std::runtime_error("the daemon does not stop");
    if (failure_ && !world_.effects.stopped())
      std::rethrow_exception(failure_);
  }

  /// Takes the coroutines off a machine that has stopped.
  void sweep() {
    for (int turn = 0; turn < 10'000 && (!ended_ || parts_.tasks.size() > 0); ++turn) {
      cancel_.emit(boost::asio::cancellation_type::terminal);
      parts_.tasks.cancel();
      loop_.restart();
      loop_.poll();
    }
    if (!ended_ || parts_.tasks.size() > 0)
      throw std::runtime_error("a coroutine does not end");
  }

  void resume() { parts_.tasks.spawn(go_on(pause_)); }
  [[nodiscard]] bool runs_on() const { return !ended_ || parts_.tasks.size() > 0; }
  [[nodiscard]] bool parked(ParkReason reason) const { return parts_.gate.parking().holds(reason); }
  [[nodiscard]] std::uint32_t places_in_use() const { return parts_.budget.batches(); }
  [[nodiscard]] std::string intake_parked() const { return parts_.intake.parked().value_or(""); }
  [[nodiscard]] std::optional<ExitCode> exit() const {
    return ended_ ? std::optional(supervision_.summary().exit) : std::nullopt;
  }
  [[nodiscard]] Instant now() { return timers_.now(); }
  [[nodiscard]] std::chrono::nanoseconds lived() { return timers_.now().boot - began_; }
  void jump_wall(std::chrono::milliseconds by) { timers_.jump_wall(by); }

 private:
  DaemonPorts ports() {
    return DaemonPorts{loop_.get_executor(),
                       timers_,
                       world_.files,
                       transport_,
                       workers_,
                       workers_,
                       world_.watch_ ? &watch_ : nullptr,
                       Random(world_.seed_),
                       "boot-" + std::to_string(world_.boots_),
                       [] { return std::string(kKey); },
                       [] {},
                       [] { return Result<std::uint64_t>(kRoomy); },
                       world_.service_};
  }

  World& world_;
  boost::asio::io_context loop_{1};
  fakes::ManualTimers timers_;
  BootTime began_;
  fakes::ManualWatch watch_;
  fakes::InlineWorkers workers_;
  SandboxTransport transport_;
  std::shared_ptr<Log> log_;
  Foundation foundation_;
  DaemonParts parts_;
  Pause pause_;
  Supervision supervision_;
  boost::asio::cancellation_signal cancel_;
  std::exception_ptr failure_;
  bool ended_ = false;
};

World::World(Options options)
    : files(disk, effects),
      sqlite(effects),
      server(options.settings, options.seed),
      config(std::move(options.config)),
      clock_(fakes::ManualTime().now),
      server_clock_(clock_.wall),
      seed_(options.seed),
      watch_(options.watch),
      service_(options.service) {
  for (const auto* folder : {"/spool", "/spool/incoming", "/spool/working", "/spool/done", "/spool/rejected"})
    disk.make_directory(folder);
}

World::~World() {
  if (life_ != nullptr)
    crash(Loss::nothing);
}

void World::drop(const std::string& name, const std::string& bytes) {
  disk.set_time(std::chrono::nanoseconds(now().wall.time_since_epoch()).count());
  disk.put(config.spool.directory + "/incoming/" + name, bytes);
  dropped_.push_back(name);
  if (life_ != nullptr && watch_)
    life_->announce(name);
}

bool World::start() {
  // Ids and jitter of another process.
  ++seed_;
  Foundation foundation;
  const SpoolLayout layout(config.spool.directory);
  Random random(seed_);
  const auto byte = [&random] { return static_cast<std::byte>(random.up_to(255)); };
  auto laid = [&]() -> Result<void> {
    auto ledger = Ledger::open_in(sqlite.name(), config.state.directory);
    if (!ledger)
      return ledger.error();
    foundation.ledger = std::move(*ledger);
    auto working = FolderIdentity::of(files, layout.working());
    if (!working)
      return working.error();
    foundation.working = *working;
    if (auto matched = match_spool(files, layout, *foundation.ledger); !matched)
      return matched;
    auto keys = user_keys_of(*foundation.ledger, byte);
    if (!keys)
      return keys.error();
    foundation.user_keys = std::move(*keys);
    return {};
  }();
  if (effects.stopped())
    return false;
  if (!laid)
    throw std::runtime_error("the daemon does not start: " + laid.error().message);
  life_ = std::make_unique<Life>(*this, std::move(foundation));
  return true;
}

bool World::run_until(std::chrono::nanoseconds span, const std::function<bool()>& done) {
  return life_->run_until(span, done);
}

void World::run_for(std::chrono::nanoseconds span) {
  life_->run_for(span);
}

void World::resume() {
  life_->resume();
}

void World::stop() {
  life_->stop();
  if (effects.stopped())
    return;
  server_clock_ = server_now();
  clock_ = life_->now();
  life_.reset();
}

void World::crash(Loss loss) {
  effects.stop();
  if (life_ != nullptr) {
    life_->sweep();
    server_clock_ = server_now();
    clock_ = life_->now();
    life_.reset();
  }
  if (loss == Loss::everything) {
    disk.drop_unsynced();
    sqlite.drop_unsynced();
  } else {
    sqlite.keep_unsynced();
  }
  effects.restart();
}

void World::pass(std::chrono::nanoseconds span) {
  clock_.boot += span;
  clock_.wall += std::chrono::floor<std::chrono::milliseconds>(span);
  server_clock_ += std::chrono::floor<std::chrono::milliseconds>(span);
}

void World::reboot(std::chrono::nanoseconds uptime) {
  ++boots_;
  clock_.boot = BootTime(uptime);
}

void World::jump_wall(std::chrono::milliseconds by) {
  if (life_ != nullptr)
    life_->jump_wall(by);
  else
    clock_.wall += by;
}

bool World::settled() const {
  for (const auto& name : dropped_) {
    if (!disk.exists(config.spool.directory + "/done/" + name + ".receipt.json") &&
        !disk.exists(config.spool.directory + "/rejected/" + name + ".error.json"))
      return false;
  }
  return true;
}

bool World::nothing_works() const {
  return disk.names(config.spool.directory + "/working").empty();
}

std::uint32_t World::places_in_use() const {
  return life_ == nullptr ? 0 : life_->places_in_use();
}

bool World::runs_on() const {
  return life_ != nullptr && life_->runs_on();
}

bool World::parked(ParkReason reason) const {
  return life_ != nullptr && life_->parked(reason);
}

std::string World::intake_parked() const {
  return life_ == nullptr ? "" : life_->intake_parked();
}

std::optional<ExitCode> World::exit() const {
  return life_ == nullptr ? std::nullopt : life_->exit();
}

Instant World::now() const {
  return life_ != nullptr ? life_->now() : clock_;
}

WallTime World::server_now() const {
  if (life_ == nullptr)
    return server_clock_;
  return server_clock_ + std::chrono::floor<std::chrono::milliseconds>(life_->lived());
}

void World::finish_server() {
  server.organisation.tick(server_now());
}

}  // namespace usherd::flow
