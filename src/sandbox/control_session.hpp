#pragma once

#include "src/sandbox/channel.hpp"
#include "src/sandbox/control.hpp"
#include "src/sandbox/http_reader.hpp"

#include <boost/asio/awaitable.hpp>

namespace usherd::sandbox {

/// One connection to the control port. All of what it is made of must outlive it.
class ControlSession {
 public:
  ControlSession(Control& control, Organisation& organisation, VirtualClock& clock, Channel& channel)
      : control_(control), org_(organisation), clock_(clock), channel_(channel), reader_(channel) {}

  [[nodiscard]] boost::asio::awaitable<void> run();

 private:
  [[nodiscard]] boost::asio::awaitable<bool> exchange();
  /// All users by uid, a line each, in pieces; the connection's end is the end of it.
  [[nodiscard]] boost::asio::awaitable<void> stream_users();

  Control& control_;
  Organisation& org_;
  VirtualClock& clock_;
  Channel& channel_;
  HttpReader reader_;
};

}  // namespace usherd::sandbox
