#pragma once

#include "usherd/admin/message.hpp"
#include "usherd/core/log.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace usherd {

/// Which handler answers a request, and through which door. A path has one reader, one action, or both.
/// Whoever adds a route says who may use it: `read` is open to everybody who reaches the HTTP port, so it
/// shows nothing personal, no file names either; `local` and `action` are for the admin socket alone. Each
/// action is logged with its peer. Event loop only; handlers live as long as the router.
class Router {
 public:
  using Handler = std::function<boost::asio::awaitable<AdminReply>(AdminRequest)>;

  explicit Router(Log& log) : log_(log) {}

  /// GET, through both doors.
  void read(std::string path, Handler handler) { add(std::move(path), Door::read, std::move(handler)); }
  /// GET, through the socket alone.
  void local(std::string path, Handler handler) { add(std::move(path), Door::local, std::move(handler)); }
  /// POST, through the socket alone.
  void action(std::string path, Handler handler) { add(std::move(path), Door::action, std::move(handler)); }

  /// Never throws for what a handler does, but for a cancellation: an exception is a bug, logged and answered
  /// with 500.
  [[nodiscard]] boost::asio::awaitable<AdminReply> answer(AdminRequest request) const;

 private:
  enum class Door : std::uint8_t { read, local, action };
  struct Route {
    Handler get;
    Handler post;
    bool get_is_local = false;
  };
  void add(std::string path, Door door, Handler handler);
  [[nodiscard]] const Handler* find(const AdminRequest& request, AdminReply& refusal) const;

  Log& log_;
  std::map<std::string, Route, std::less<>> routes_;
};

}  // namespace usherd
