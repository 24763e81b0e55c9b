#pragma once

#include "src/sandbox/api.hpp"
#include "src/sandbox/api_session.hpp"
#include "src/sandbox/certificate_files.hpp"
#include "src/sandbox/control.hpp"
#include "src/sandbox/control_session.hpp"
#include "src/sandbox/listener.hpp"
#include "src/sandbox/organisation.hpp"
#include "src/sandbox/virtual_clock.hpp"
#include "usherd/core/result.hpp"
#include "usherd/sandbox/sandbox.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <string>

namespace usherd::sandbox {

/// Everything that runs on the sandbox's thread, wired: the organisation, the API over it, both ports. Made
/// before the loop runs; afterwards its members are touched on the loop only. Stop it and run the loop out
/// before it is destroyed.
class Server {
 public:
  Server(boost::asio::io_context& loop, const SandboxOptions& options, std::string key,
         CertificateFiles files);

  [[nodiscard]] Result<void> open(std::uint16_t port, std::uint16_t control_port);
  /// Closes both ports and every connection, so that the loop runs out of work.
  void stop();

  Organisation organisation;
  VirtualClock clock;
  Control control;

  [[nodiscard]] std::uint16_t port() const { return api_port_.port(); }
  [[nodiscard]] std::uint16_t control_port() const { return control_port_.port(); }
  [[nodiscard]] std::string ca_file() const { return files_.ca_file(); }

 private:
  /// After any change: the next job's timer, and whether the API port is open.
  void follow_up();
  void arm_jobs();
  [[nodiscard]] boost::asio::awaitable<void> serve_api(boost::asio::ip::tcp::socket socket);
  [[nodiscard]] boost::asio::awaitable<void> serve_control(boost::asio::ip::tcp::socket socket);
  void load_identities();

  const bool plain_;
  bool stopped_ = false;
  CertificateFiles files_;
  Api api_;
  ApiStage stage_;
  std::array<boost::asio::ssl::context, 4> contexts_;
  boost::asio::steady_timer jobs_due_;
  Listener api_port_;
  Listener control_port_;
};

}  // namespace usherd::sandbox
