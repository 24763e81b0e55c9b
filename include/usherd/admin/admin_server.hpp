#pragma once

#include "usherd/admin/host_rule.hpp"
#include "usherd/admin/router.hpp"
#include "usherd/core/log.hpp"
#include "usherd/core/result.hpp"
#include "usherd/core/units.hpp"
#include "usherd/ports/task_group.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

namespace usherd {

/// How much one client may take.
struct AdminLimits {
  std::size_t connections = 64;  ///< of each door, the socket and the HTTP port
  /// Bytes of the bodies of all who ask at the socket; the port takes none.
  std::size_t bodies = std::size_t{4} << 20;
  Milliseconds request{5'000};  ///< from the connection to the end of the request
  Milliseconds reply{30'000};   ///< for the client to take one piece of the answer
};

/// The HTTP server behind both doors: the read-only port and the admin socket. One request a connection, and
/// bounds on everything that a client can stretch: connections, request size, time to ask and to take the
/// answer. A door that is full gives up the oldest connection that has not finished its question, or else the
/// oldest that is to take its answer; whatever is at work for somebody ends. Event loop only; the router and
/// the task group must outlive it, and stop() must come before the group is waited for.
class AdminServer {
 public:
  AdminServer(boost::asio::any_io_executor loop, TaskGroup& tasks, const Router& router, Log& log,
              AdminLimits limits = {});
  ~AdminServer();

  /// Opens the read-only port; `listen` is "address:port", port 0 any free one. Returns the port.
  [[nodiscard]] Result<std::uint16_t> open_port(const std::string& listen, HostRule hosts);
  /// For the port; the socket is no browser's business.
  void set_hosts(const HostRule& hosts);
  /// Opens the socket with mode 0660, group usherd where there is one. A stale one is replaced; one that
  /// somebody answers on is Errc::exists.
  [[nodiscard]] Result<void> open_socket(const std::string& path);
  /// Takes no more connections and removes the socket; those under way end with the task group.
  void stop();

  [[nodiscard]] std::size_t connections() const;

 private:
  struct Door;
  struct Client;
  [[nodiscard]] boost::asio::awaitable<void> accept(Door& door);
  [[nodiscard]] boost::asio::awaitable<void> serve(Door& door, std::shared_ptr<Client> client);
  [[nodiscard]] boost::asio::awaitable<void> converse(Door& door, Client& client);
  /// False when the client did not take all of it.
  [[nodiscard]] boost::asio::awaitable<bool> give(Client& client, AdminReply reply, bool head_only);
  void admit(Door& door, std::shared_ptr<Client> client);

  boost::asio::any_io_executor loop_;
  TaskGroup& tasks_;
  const Router& router_;
  Log& log_;
  AdminLimits limits_;
  std::size_t bodies_ = 0;  ///< of AdminLimits::bodies
  std::list<std::unique_ptr<Door>> doors_;
};

}  // namespace usherd
