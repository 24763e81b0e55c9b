#pragma once

#include <boost/asio/awaitable.hpp>

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace usherd {

/// Who asks. Over the socket the kernel says who that is; over HTTP nobody knows.
struct Peer {
  bool local = false;  ///< through the admin socket
  uid_t uid = 0;
  pid_t pid = 0;
};

enum class AdminMethod : std::uint8_t { get, post };

struct AdminRequest {
  AdminMethod method = AdminMethod::get;
  std::string path;                                       ///< without the query, as it came
  std::map<std::string, std::string, std::less<>> query;  ///< decoded
  std::string body;
  Peer peer;

  /// The value of a query parameter; empty when it is missing.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return query.find(name) != query.end(); }
};

/// Gives the next piece of an answer that is not held whole; empty at its end. Called again only after the
/// piece before was written, so a slow client holds up nobody but itself.
using NextPiece = std::function<boost::asio::awaitable<std::string>()>;

struct AdminReply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  NextPiece next = {};                   ///< when set, `body` is followed by its pieces
  std::string_view allow = "GET, HEAD";  ///< for 405: the methods that would be answered

  /// {"error": message}: what happened and what to do, in one sentence.
  [[nodiscard]] static AdminReply error(unsigned status, std::string_view message);
  [[nodiscard]] static AdminReply text(unsigned status, std::string body);
};

}  // namespace usherd
