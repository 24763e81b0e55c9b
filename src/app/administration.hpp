#pragma once

#include "src/app/pause.hpp"
#include "src/app/status_collector.hpp"
#include "src/app/supervision.hpp"
#include "usherd/admin/admin_server.hpp"
#include "usherd/admin/router.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace usherd {

/// What an operator reaches of a running daemon: status, metrics and health through the read-only port, and
/// the actions too through the admin socket. Further routes are added to router() before open(). Event loop
/// only; all references must outlive it.
class Administration {
 public:
  Administration(boost::asio::any_io_executor loop, DaemonParts& parts, Supervision& supervision,
                 Pause& pause, Log& log);

  [[nodiscard]] Router& router() { return router_; }
  [[nodiscard]] StatusCollector& collector() { return collector_; }
  /// Opens both doors; one that cannot be opened is logged and holds nothing up. A drain opens the socket
  /// alone, and says nothing where it cannot.
  void open(const Config& config, Daemon::Mode mode);
  void reload(const Config& config) { server_.set_hosts(HostRule(config.admin.hosts)); }

 private:
  using Answer = boost::asio::awaitable<AdminReply>;
  void add_routes();
  [[nodiscard]] Answer status(AdminRequest request);
  [[nodiscard]] Answer metrics(AdminRequest request);
  [[nodiscard]] Answer healthz(AdminRequest request);
  [[nodiscard]] Answer readyz(AdminRequest request);
  [[nodiscard]] Answer events(AdminRequest request);
  [[nodiscard]] Answer file(AdminRequest request);
  [[nodiscard]] Answer jobs(AdminRequest request);
  [[nodiscard]] Answer abandon(AdminRequest request);
  [[nodiscard]] Answer pause(AdminRequest request);
  [[nodiscard]] Answer resume(AdminRequest request);
  [[nodiscard]] Answer reload(AdminRequest request);
  struct Stream;
  [[nodiscard]] boost::asio::awaitable<std::string> next_event(std::shared_ptr<Stream> stream);

  DaemonParts& parts_;
  Supervision& supervision_;
  Pause& pause_;
  Log& log_;
  StatusCollector collector_;
  Router router_;
  AdminServer server_;
  std::size_t local_streams_ = 0;
  std::size_t port_streams_ = 0;
};

}  // namespace usherd
