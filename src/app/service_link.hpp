#pragma once

#include "usherd/app/heartbeat.hpp"
#include "usherd/app/service_status.hpp"
#include "usherd/core/log.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/service_manager.hpp"
#include "usherd/ports/task_group.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/ports/workers.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>

namespace usherd {

/// Tells the service manager how the daemon is: ready, reloading, stopping, a line of status, a sign of life
/// as long as the heartbeat allows it, and more time for a start, a drain or a stop that gets on. Event loop
/// only; all that it is given must outlive it.
class ServiceLink {
 public:
  struct Parts {
    ServiceManager* manager;  ///< null: nobody asks
    Timers& timers;
    TaskGroup& tasks;
    GroupCommit& ledger;
    Workers workers;
    Log& log;
    std::function<ServiceFacts()> facts;  ///< its phase is filled in here
    std::function<VitalSigns()> signs;
  };
  explicit ServiceLink(Parts parts);

  /// Beats until cancelled; not at all where nobody asks.
  [[nodiscard]] boost::asio::awaitable<void> run();
  void enter(ServicePhase phase);
  [[nodiscard]] ServicePhase phase() const { return phase_; }
  /// Probes that are not answered yet: jobs of the workers and of the ledger.
  [[nodiscard]] std::size_t probes() const { return probes_; }
  void reloading();
  void reloaded();

 private:
  [[nodiscard]] bool is_ready() const;
  void beat();
  void tell(const std::string& lines);
  void probe(Heartbeat::Probe probe);
  [[nodiscard]] boost::asio::awaitable<void> ask_workers();
  [[nodiscard]] boost::asio::awaitable<void> ask_ledger();
  [[nodiscard]] std::string status();

  Parts parts_;
  std::optional<BootClock::duration> watchdog_;
  BootClock::duration interval_;
  Heartbeat heartbeat_;
  std::unique_ptr<Alarm> alarm_;
  ServicePhase phase_ = ServicePhase::starting;
  std::string told_;  ///< the last status
  bool unwell_ = false;
  std::size_t probes_ = 0;
};

}  // namespace usherd
