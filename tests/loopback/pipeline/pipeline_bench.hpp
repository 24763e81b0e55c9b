#pragma once

#include "src/app/daemon_parts.hpp"
#include "src/app/supervision.hpp"
#include "tests/fakes/hurried_timers.hpp"
#include "tests/unit/ledger/scratch.hpp"
#include "usherd/adapters/https_transport.hpp"
#include "usherd/adapters/posix_files.hpp"
#include "usherd/adapters/worker_pool.hpp"
#include "usherd/app/key_holder.hpp"
#include "usherd/sandbox/sandbox.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::test {

/// A whole daemon, from its configuration to its sockets, on the test's thread; its time passes `pace` times
/// as fast as ours. What it is given must outlive it.
class RunningDaemon {
 public:
  RunningDaemon(const Config& config, Daemon::Mode mode, double pace, Log& log);
  RunningDaemon(const RunningDaemon&) = delete;
  RunningDaemon& operator=(const RunningDaemon&) = delete;
  ~RunningDaemon();

  /// Lets it work until `done` says so; false when it ended before, or a minute of ours passed.
  [[nodiscard]] bool run_until(const std::function<bool()>& done);
  /// To its end.
  RunSummary finish();
  /// Breaks it off, as a stop that is asked for twice does.
  void break_off();
  /// Runs a coroutine of its own while it works.
  template <class T>
  [[nodiscard]] T ask(boost::asio::awaitable<T> work) {
    std::optional<T> answer;
    boost::asio::co_spawn(loop_, keep(std::move(work), answer), boost::asio::detached);
    REQUIRE(run_until([&answer] { return answer.has_value(); }));
    return std::move(*answer);
  }
  [[nodiscard]] DaemonParts& parts() { return *parts_; }
  [[nodiscard]] bool parked(ParkReason reason) const { return parts_->gate.parking().holds(reason); }
  /// Its configuration was changed, and it is told to look.
  void reconfigure(const Config& config);

 private:
  template <class T>
  static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> work, std::optional<T>& answer) {
    answer.emplace(co_await std::move(work));
  }

  PosixFiles disk_;
  boost::asio::io_context loop_{1};
  KeyHolder key_;
  Foundation foundation_;
  fakes::HurriedTimers timers_;
  WorkerPool ledger_thread_{1};
  WorkerPool pool_{2};
  std::unique_ptr<HttpsTransport> transport_;
  std::unique_ptr<DaemonParts> parts_;
  std::unique_ptr<Supervision> supervision_;
  bool ended_ = false;
  std::exception_ptr failure_;
};

/// A sandbox, a spool, a configuration, and what a test says over and over.
class PipelineBench {
 public:
  explicit PipelineBench(std::string_view settings = "{}", double pace = 20);

  std::unique_ptr<sandbox::Sandbox> server;
  Config config;
  double pace;

  void fault(std::string_view rules);
  void set(std::string_view name, std::string_view value);
  /// The operator writes another key into the key file.
  void write_key(const std::string& key);
  /// A finished file in incoming/.
  void drop(const std::string& name, const std::string& lines);
  /// `count` records of users PREFIX0, PREFIX1, ..., with values from `first` on.
  static std::string records(std::size_t count, const std::string& prefix = "u", std::size_t first = 0);

  [[nodiscard]] std::unique_ptr<RunningDaemon> start(Daemon::Mode mode = Daemon::Mode::drain);
  RunSummary drain() { return start()->finish(); }

  [[nodiscard]] boost::json::object receipt(const std::string& name) const;
  /// Of the file's rejects, none where it has no such file.
  [[nodiscard]] std::vector<boost::json::object> rejects(const std::string& name) const;
  [[nodiscard]] std::string log() const { return log_text_.str(); }
  /// The promises that hold whatever happened on the way.
  void check_promises();

 private:
  Scratch scratch_;
  std::ostringstream log_text_;
  std::shared_ptr<Log> log_;
};

/// How a receipt counts, in one line: "imported 3 rejected 0 merged 0 unknown 0 rekeyed 0".
[[nodiscard]] std::string counts(const boost::json::object& receipt);
[[nodiscard]] std::string all_imported(std::size_t records);

}  // namespace usherd::test
