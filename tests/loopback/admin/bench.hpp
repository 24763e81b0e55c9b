#pragma once

#include "tests/fakes/temp_directory.hpp"

#include "usherd/admin/admin_server.hpp"
#include "usherd/core/log.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace usherd::tests {

/// A connection as a client makes it, well behaved or not. Blocking; gives up after a minute, so that a
/// server that hangs fails the test.
class RawClient {
 public:
  /// To a port of 127.0.0.1.
  explicit RawClient(std::uint16_t port);
  explicit RawClient(const std::string& socket_path);
  RawClient(RawClient&& other) noexcept;
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient();

  /// False when the server takes no more.
  bool send(std::string_view bytes);
  /// All that comes until the server closes.
  std::string read_all();
  /// At least one byte; empty once the server closed.
  std::string read_some();

 private:
  void set_patience();
  int fd_ = -1;
};

/// An admin server on both doors, on its own thread.
class ServerBench {
 public:
  explicit ServerBench(AdminLimits limits, const std::function<void(Router&)>& routes);
  ~ServerBench();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string socket_path() const { return folder_ / "admin.sock"; }
  [[nodiscard]] std::size_t connections();

  std::string get(const std::string& target, const std::string& host = "localhost");
  std::string get_local(const std::string& target);
  std::string post_local(const std::string& target, const std::string& body);

 private:
  template <class Work>
  auto on_loop(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    boost::asio::post(loop_, [&task] { task(); });
    return result.get();
  }

  fakes::TempDirectory folder_;
  boost::asio::io_context loop_{1};
  std::shared_ptr<Log> log_ = make_silent_log();
  Router router_{*log_};
  TaskGroup tasks_{loop_.get_executor()};
  std::unique_ptr<AdminServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace usherd::tests
