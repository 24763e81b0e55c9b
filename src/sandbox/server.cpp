#include "src/sandbox/server.hpp"

#include <boost/asio/buffer.hpp>

#include <chrono>

namespace usherd::sandbox {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using tcp = asio::ip::tcp;

Server::Server(asio::io_context& loop, const SandboxOptions& options, std::string key, CertificateFiles files)
    : organisation(options.settings, std::move(key), options.seed),
      clock(options.frozen_clock),
      control(organisation, clock, [this] { follow_up(); }),
      plain_(options.plain),
      files_(std::move(files)),
      api_(organisation),
      stage_{organisation, api_, clock, [this] { arm_jobs(); }},
      contexts_{ssl::context(ssl::context::tls_server), ssl::context(ssl::context::tls_server),
                ssl::context(ssl::context::tls_server), ssl::context(ssl::context::tls_server)},
      jobs_due_(loop),
      api_port_(loop.get_executor(), [this](tcp::socket socket) { return serve_api(std::move(socket)); }),
      control_port_(loop.get_executor(),
                    [this](tcp::socket socket) { return serve_control(std::move(socket)); }) {
  load_identities();
}

void Server::load_identities() {
  for (std::size_t kind = 0; kind < contexts_.size(); ++kind) {
    const Identity& identity = files_.identity(static_cast<Certificate>(kind));
    ssl::context& context = contexts_[kind];
    context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                        ssl::context::no_tlsv1_1);
    context.use_certificate_chain(asio::buffer(identity.certificate));
    context.use_private_key(asio::buffer(identity.key), ssl::context::pem);
  }
}

Result<void> Server::open(std::uint16_t port, std::uint16_t control_port) {
  if (auto done = api_port_.open(port); !done)
    return done.error();
  if (auto done = control_port_.open(control_port); !done)
    return done.error();
  follow_up();
  return {};
}

void Server::stop() {
  stopped_ = true;
  jobs_due_.cancel();
  api_port_.close();
  control_port_.close();
}

void Server::follow_up() {
  arm_jobs();
  const bool wanted = organisation.settings.listening && !stopped_;
  if (wanted && !api_port_.is_open()) {
    // Should the port be taken meanwhile, the API stays away until the setting is made again.
    if (!api_port_.open(api_port_.port()))
      organisation.settings.listening = false;
  } else if (!wanted && api_port_.is_open()) {
    api_port_.close();
  }
}

void Server::arm_jobs() {
  const auto due = organisation.jobs.next_due();
  if (!due || stopped_) {
    jobs_due_.cancel();
    return;
  }
  const auto wait = std::max(*due - clock.now(), Milliseconds(0));
  jobs_due_.expires_after(wait);
  jobs_due_.async_wait([this](const boost::system::error_code& failure) {
    if (failure || stopped_)
      return;
    organisation.tick(clock.now());
    arm_jobs();
  });
}

asio::awaitable<void> Server::serve_api(tcp::socket socket) {
  std::unique_ptr<Channel> channel;
  if (plain_) {
    channel = plain_channel(std::move(socket));
  } else {
    const auto kind = static_cast<std::size_t>(organisation.settings.certificate);
    channel = co_await tls_channel(std::move(socket), contexts_[kind]);
  }
  if (!channel)
    co_return;
  ApiSession session(stage_, *channel);
  co_await session.run();
}

asio::awaitable<void> Server::serve_control(tcp::socket socket) {
  const std::unique_ptr<Channel> channel = plain_channel(std::move(socket));
  ControlSession session(control, organisation, clock, *channel);
  co_await session.run();
}

}  // namespace usherd::sandbox
