#pragma once

#include "tests/flow/world/effects.hpp"
#include "tests/flow/world/server.hpp"
#include "usherd/core/units.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/ports/transport.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace usherd::flow {

/// The network between a daemon and the sandbox's API, in one process: no socket, virtual time, the sandbox's
/// faults. A request that was sent whole is an effect, and so is an answer that was read.
class SandboxTransport final : public Transport {
 public:
  struct Parts {
    boost::asio::any_io_executor loop;
    ApiServer& server;
    Effects& effects;
    Timers& timers;
    std::function<WallTime()> server_time;  ///< never runs backwards, whatever the client's clocks do
    Milliseconds request_timeout{60'000};
  };
  explicit SandboxTransport(Parts parts) : parts_(std::move(parts)) {}
  [[nodiscard]] std::unique_ptr<Connection> connection() override;

 private:
  Parts parts_;
};

}  // namespace usherd::flow
