#pragma once

#include "tests/fakes/mem_files.hpp"
#include "tests/flow/world/counted_files.hpp"
#include "tests/flow/world/effects.hpp"
#include "tests/flow/world/mem_sqlite.hpp"
#include "tests/flow/world/server.hpp"
#include "usherd/app/config.hpp"
#include "usherd/app/exit_code.hpp"
#include "usherd/core/clock.hpp"
#include "usherd/ports/service_manager.hpp"
#include "usherd/submit/parking.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace usherd::flow {

/// The configuration of these tests: the defaults, with a spool and a state directory of the world.
[[nodiscard]] Config world_config();

/// What is left of the unsynced when a machine stops.
enum class Loss : std::uint8_t { everything, nothing };

/// A machine with its disk, its clocks and a server to talk to, all in memory and in one thread. It outlives
/// the daemons that run on it one after the other; each is the whole pipeline as the composition root wires
/// it. Time is virtual; the same seed gives the same run.
class World {
 public:
  struct Options {
    Config config = world_config();
    sandbox::Settings settings;
    std::uint64_t seed = 1;
    bool watch = true;  ///< files are announced when they are dropped; else the rescan finds them
    ServiceManager* service = nullptr;
  };
  explicit World(Options options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// A producer's finished drop, now.
  void drop(const std::string& name, const std::string& bytes);

  /// Starts a daemon. False when the machine stopped meanwhile. Throws std::runtime_error when it refuses to.
  bool start();
  /// Runs it until `done`, at most `span` of virtual time, or until the machine stops; whether it was `done`.
  bool run_until(std::chrono::nanoseconds span, const std::function<bool()>& done);
  void run_for(std::chrono::nanoseconds span);
  /// The operator says so.
  void resume();
  /// As SIGTERM: ends it in order.
  void stop();
  /// The machine stops, where it has not yet, and what ran is gone.
  void crash(Loss loss);
  /// Time that passes with no daemon running.
  void pass(std::chrono::nanoseconds span);
  /// Another boot: the boot clock starts anew. No daemon may be running.
  void reboot(std::chrono::nanoseconds uptime = std::chrono::seconds(30));
  /// Somebody sets the wall clock.
  void jump_wall(std::chrono::milliseconds by);

  /// How the daemon that was started ended by itself; nothing while it runs.
  [[nodiscard]] std::optional<ExitCode> exit() const;
  /// Whether any of its coroutines is left; the process would go on.
  [[nodiscard]] bool runs_on() const;
  /// Every dropped file has a receipt or was refused.
  [[nodiscard]] bool settled() const;
  /// working/ holds nothing but the numbers that the spool remembers.
  [[nodiscard]] bool nothing_works() const;
  /// Whether the daemon that runs is parked for that reason.
  [[nodiscard]] bool parked(ParkReason reason) const;
  /// Places of the budget that are in use.
  [[nodiscard]] std::uint32_t places_in_use() const;
  /// Why its intake is (`disk`); empty while it is not.
  [[nodiscard]] std::string intake_parked() const;
  [[nodiscard]] Instant now() const;
  /// The server's time: what really passed, whatever the machine's clocks say.
  [[nodiscard]] WallTime server_now() const;
  /// Ends what the server still has to do.
  void finish_server();

  Effects effects;
  fakes::MemFiles disk;
  CountedFiles files;
  MemSqlite sqlite;
  ApiServer server;
  Config config;

 private:
  class Life;
  Instant clock_;
  WallTime server_clock_;
  std::uint64_t seed_;
  std::uint64_t boots_ = 1;
  bool watch_;
  ServiceManager* service_;
  std::vector<std::string> dropped_;
  std::unique_ptr<Life> life_;
};

}  // namespace usherd::flow
