#pragma once

#include "src/app/daemon_parts.hpp"
#include "src/app/service_link.hpp"
#include "usherd/app/daemon.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace usherd {

/// The life of a daemon: recover, work, stop in order. Event loop only.
class Supervision {
 public:
  /// Called with each reloaded configuration, for what is not among the parts: the key, the network.
  using OnReload = std::function<void(const Config&)>;
  Supervision(Config config, Daemon::Options options, DaemonParts& parts, Log& log, OnReload on_reload);

  [[nodiscard]] boost::asio::awaitable<void> run();
  /// SIGTERM: run() ends in order. Said again: what is under way is broken off.
  void stop();
  [[nodiscard]] const RunSummary& summary() const { return summary_; }
  /// SIGHUP. Reads the configuration again. A faulty one, or one that names a faulty key or faulty trust
  /// roots, is refused as Errc::invalid, and the old one stays.
  Result<void> reload();
  /// Goes by a configuration that was loaded, but for directories and listeners.
  void take_up(const Config& fresh);
  [[nodiscard]] bool reload_good() const { return reload_good_; }
  [[nodiscard]] ServicePhase phase() const;
  [[nodiscard]] std::string_view mode() const;

 private:
  /// Until it is told to stop, or done.
  [[nodiscard]] boost::asio::awaitable<void> work();
  [[nodiscard]] boost::asio::awaitable<bool> recover();
  [[nodiscard]] boost::asio::awaitable<void> wait_for_stop();
  [[nodiscard]] boost::asio::awaitable<void> drain();
  [[nodiscard]] boost::asio::awaitable<void> take_present();
  [[nodiscard]] boost::asio::awaitable<void> wind_down();
  [[nodiscard]] ServiceFacts service_facts();
  [[nodiscard]] VitalSigns vital_signs();
  void fail(ExitCode exit, std::string message);
  [[nodiscard]] bool is_drained() const;
  [[nodiscard]] BootTime stalled_since() const;
  void note_progress();
  [[nodiscard]] BootTime give_up_at() const;
  /// Where a drain that gave up leaves what it did not deliver.
  [[nodiscard]] std::string_view safe_places() const;
  [[nodiscard]] std::string why_given_up() const;
  void report_drain();

  Config config_;
  Daemon::Options options_;
  DaemonParts& parts_;
  Log& log_;
  OnReload on_reload_;
  std::unique_ptr<Alarm> news_;
  std::unique_ptr<Alarm> stopping_;
  ServiceLink link_;
  RateMeter rate_;
  std::uint64_t found_files_ = 0;  ///< open ones at the start
  RunSummary summary_;
  std::optional<DrainReport> taken_;
  BootTime deadline_ = kNever;
  BootTime drains_since_{};
  BootTime moved_{};         ///< when a drain was last seen to end something
  std::uint64_t ended_ = 0;  ///< records and files, then
  bool reload_good_ = true;
  bool stop_asked_ = false;
  bool cancel_asked_ = false;
};

}  // namespace usherd
