#pragma once

#include "src/app/daemon_parts.hpp"
#include "usherd/adapters/https_transport.hpp"
#include "usherd/adapters/posix_files.hpp"
#include "usherd/adapters/system_timers.hpp"
#include "usherd/adapters/worker_pool.hpp"
#include "usherd/app/key_holder.hpp"
#include "usherd/core/log.hpp"
#include "usherd/ports/watch.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace usherd {

/// The machine behind a daemon's ports: clocks, threads, files, network. Owns its threads, which end when it
/// is destroyed; the loop must outlive it.
class SystemPorts {
 public:
  SystemPorts(boost::asio::io_context& loop, std::unique_ptr<HttpsTransport> transport);
  SystemPorts(const SystemPorts&) = delete;
  SystemPorts& operator=(const SystemPorts&) = delete;
  ~SystemPorts();

  /// Watches a directory from now on; without success the rescan finds everything all the same, only later.
  void watch(const std::string& directory, Log& log);
  /// Ports over all of this; the key must outlive whoever uses them.
  [[nodiscard]] DaemonPorts ports(KeyHolder& key);
  [[nodiscard]] HttpsTransport& transport() { return *transport_; }

 private:
  boost::asio::io_context& loop_;
  SystemTimers timers_;
  PosixFiles disk_;
  WorkerPool ledger_thread_;
  WorkerPool pool_;
  std::unique_ptr<HttpsTransport> transport_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace usherd
