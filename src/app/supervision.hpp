#pragma once

#include "src/app/daemon_parts.hpp"
#include "usherd/app/daemon.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <optional>

namespace usherd {

/// The life of a daemon: recover, work, obey signals, stop in order. Event loop only.
class Supervision {
 public:
  Supervision(Config config, Daemon::Options options, DaemonParts& parts, boost::asio::io_context& loop,
              KeyHolder& key, Log& log);

  [[nodiscard]] boost::asio::awaitable<void> run();
  [[nodiscard]] const RunSummary& summary() const { return summary_; }

 private:
  [[nodiscard]] boost::asio::awaitable<bool> recover();
  [[nodiscard]] boost::asio::awaitable<void> obey_signals();
  [[nodiscard]] boost::asio::awaitable<void> wait_for_stop();
  [[nodiscard]] boost::asio::awaitable<void> drain();
  [[nodiscard]] boost::asio::awaitable<void> take_present();
  [[nodiscard]] boost::asio::awaitable<void> stop();
  void signalled(int number);
  void reload();
  void fail(ExitCode exit, std::string message);
  [[nodiscard]] bool is_drained() const;
  [[nodiscard]] std::optional<BootTime> give_up_at() const;
  void report_drain();

  Config config_;
  Daemon::Options options_;
  DaemonParts& parts_;
  KeyHolder& key_;
  Log& log_;
  boost::asio::signal_set signals_;
  std::unique_ptr<Alarm> news_;
  std::unique_ptr<Alarm> stopping_;
  RunSummary summary_;
  std::optional<DrainReport> taken_;
  BootTime deadline_ = kNever;
  bool stop_asked_ = false;
  bool cancel_asked_ = false;
};

}  // namespace usherd
