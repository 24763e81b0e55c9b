#pragma once

#include "usherd/ports/semaphore.hpp"
#include "usherd/ports/transport.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace usherd {

class SessionPool;

/// A session on loan; goes back to the pool when it goes out of scope.
class Session {
 public:
  Session(SessionPool& pool, std::unique_ptr<Connection> connection);
  Session(Session&& other) noexcept = default;
  Session& operator=(Session&&) = delete;
  ~Session();
  [[nodiscard]] Connection& connection() { return *connection_; }

 private:
  SessionPool* pool_;
  std::unique_ptr<Connection> connection_;
};

/// At most `size` HTTPS sessions to the API, made when first needed, the most recently used handed out first
/// so that idle ones can close. Event loop only; must outlive its sessions.
class SessionPool {
 public:
  SessionPool(boost::asio::any_io_executor loop, Transport& transport, std::size_t size);

  /// Waits until a session is free, in order of asking.
  [[nodiscard]] boost::asio::awaitable<Session> acquire();
  void resize(std::size_t size);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t busy() const { return busy_; }
  /// Made, and not in use.
  [[nodiscard]] std::size_t idle() const { return idle_.size(); }

 private:
  friend class Session;
  void give_back(std::unique_ptr<Connection> connection);

  Transport& transport_;
  Semaphore places_;
  std::size_t size_;
  std::size_t busy_ = 0;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace usherd
