#pragma once

#include "usherd/core/result.hpp"
#include "usherd/core/units.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace usherd {

/// What the service answered through its admin socket.
struct AdminAnswer {
  unsigned status = 0;
  std::string body;  ///< empty where the pieces were handed on as they came

  /// What an error answer says, ready to be shown.
  [[nodiscard]] std::string error() const;
};

/// One question to a running service through its admin socket, for the commands. Blocking. Errors:
/// unavailable, with what to do next, when nobody answers within `patience` (between two pieces, too); denied
/// when the socket is not ours to use.
class AdminClient {
 public:
  explicit AdminClient(std::string socket_path, Milliseconds patience = Milliseconds{30'000})
      : path_(std::move(socket_path)), patience_(patience) {}

  [[nodiscard]] Result<AdminAnswer> get(std::string_view target);
  [[nodiscard]] Result<AdminAnswer> post(std::string_view target, std::string_view body = {});
  /// Hands a 200's body on piece by piece, until it ends or `piece` returns false.
  using Piece = std::function<bool(std::string_view)>;
  [[nodiscard]] Result<AdminAnswer> stream(std::string_view target, const Piece& piece);
  /// The last question went out whole and got no whole answer: what it asked for may have been done.
  [[nodiscard]] bool unanswered() const { return unanswered_; }

 private:
  [[nodiscard]] Result<AdminAnswer> ask(std::string_view method, std::string_view target,
                                        std::string_view body, const Piece& piece);
  [[nodiscard]] Error unreachable(int failure) const;

  std::string path_;
  Milliseconds patience_;
  bool unanswered_ = false;
};

}  // namespace usherd
