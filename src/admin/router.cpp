#include "usherd/admin/router.hpp"

#include "usherd/core/text.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>
#include <exception>
#include <utility>

namespace usherd {

void Router::add(std::string path, Door door, Handler handler) {
  Route& route = routes_[std::move(path)];
  Handler& place = door == Door::action ? route.post : route.get;
  assert(!place);
  place = std::move(handler);
  if (door == Door::local)
    route.get_is_local = true;
}

const Router::Handler* Router::find(const AdminRequest& request, AdminReply& refusal) const {
  const auto found = routes_.find(request.path);
  if (found == routes_.end()) {
    refusal = AdminReply::error(404, "there is no such page");
    return nullptr;
  }
  const Route& route = found->second;
  const bool get = request.method == AdminMethod::get;
  const Handler& handler = get ? route.get : route.post;
  if (!handler) {
    refusal = AdminReply::error(
        405, get ? "this is an action: POST it through the admin socket" : "this can only be read");
    refusal.allow = get ? "POST" : "GET, HEAD";
    return nullptr;
  }
  if (!request.peer.local && (!get || route.get_is_local)) {
    refusal = AdminReply::error(403, "this goes through the admin socket alone: use the usherd command");
    return nullptr;
  }
  return &handler;
}

boost::asio::awaitable<AdminReply> Router::answer(AdminRequest request) const {
  AdminReply refusal;
  const Handler* handler = find(request, refusal);
  if (handler == nullptr)
    co_return refusal;
  const auto path = request.path;
  if (request.method == AdminMethod::post) {
    std::string arguments;
    for (const auto& [name, value] : request.query)
      arguments += " " + printable(name, 40) + "=" + printable(value);
    log_.info("admin: {}{} by uid {} pid {}", path, arguments, request.peer.uid, request.peer.pid);
  }
  try {
    co_return co_await (*handler)(std::move(request));
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted)
      throw;
    log_.error("admin: {}: {}", path, error.what());
  } catch (const std::exception& error) {
    log_.error("admin: {}: {}", path, error.what());
  }
  co_return AdminReply::error(500, "usherd made a mistake; its log says which");
}

}  // namespace usherd
