#pragma once

#include "src/sandbox/channel.hpp"
#include "src/sandbox/task_group.hpp"
#include "usherd/core/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <set>

namespace usherd::sandbox {

/// A port on 127.0.0.1 whose connections each become a task. It can be closed, with all its connections, and
/// opened again on the same port. What `serve` refers to must outlive its tasks.
class Listener {
 public:
  using Serve = std::function<boost::asio::awaitable<void>(boost::asio::ip::tcp::socket socket)>;

  Listener(const boost::asio::any_io_executor& executor, Serve serve);

  /// Port 0 at first: any free one.
  [[nodiscard]] Result<void> open(std::uint16_t port);
  /// New connections are refused, the present ones are closed.
  void close();
  [[nodiscard]] bool is_open() const { return acceptor_.is_open(); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  [[nodiscard]] boost::asio::awaitable<void> accept();

  boost::asio::ip::tcp::acceptor acceptor_;
  Serve serve_;
  TaskGroup accepts_;
  TaskGroup connections_;
  std::uint16_t port_ = 0;
};

}  // namespace usherd::sandbox
