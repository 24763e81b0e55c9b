#include "usherd/app/daemon.hpp"

#include "src/app/administration.hpp"
#include "src/app/daemon_parts.hpp"
#include "src/app/drain_progress.hpp"
#include "src/app/held_reload.hpp"
#include "src/app/inquiries.hpp"
#include "src/app/log_choice.hpp"
#include "src/app/spool_owner.hpp"
#include "src/app/supervision.hpp"
#include "src/app/system_ports.hpp"
#include "usherd/adapters/systemd.hpp"
#include "usherd/app/key_holder.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>

#include <exception>

namespace usherd {
namespace {

RunSummary failed(ExitCode exit, std::string message) {
  RunSummary summary;
  summary.exit = exit;
  summary.error = std::move(message);
  return summary;
}

/// Until it is cancelled, with the tasks of the daemon.
boost::asio::awaitable<void> obey_signals(boost::asio::signal_set& signals, Supervision& supervision,
                                          StatusCollector& collector) {
  while (true) {
    const auto [error, number] =
        co_await signals.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (error)
      co_return;
    if (number == SIGHUP) {
      static_cast<void>(supervision.reload());
      collector.forget();
    } else {
      supervision.stop();
    }
  }
}

}  // namespace

Daemon::Daemon(Config config, Options options, std::shared_ptr<Log> log)
    : config_(std::move(config)), options_(std::move(options)), log_(std::move(log)) {}

RunSummary Daemon::run() {
  PosixFiles disk;
  KeyHolder key(config_.api.key_file, process_environment(), *log_);
  if (auto read = key.read(); !read)
    return failed(ExitCode::config, read.error().message);
  const auto where = https_options(config_, process_environment());
  if (!where)
    return failed(ExitCode::config, where.error().message);
  boost::asio::io_context loop(1);
  auto transport = HttpsTransport::make(loop.get_executor(), *where);
  if (!transport)
    return failed(ExitCode::config, transport.error().message);
  // Root has read what only root may read; the service must find everything else as it would have made it.
  const auto became = become_owner_of_spool(config_);
  if (!became)
    return failed(ExitCode::config, became.error().message);
  if (!became->empty()) {
    log_->info("root works as {}, the owner of the spool {}", *became, config_.spool.directory);
    // Says so now where another key could not be read any more.
    key.reread();
  }
  // Last of what may refuse: until here nothing on disk is touched.
  auto foundation = lay_foundation(config_, disk);
  if (!foundation)
    return failed(foundation.error().exit, foundation.error().error.message);
  SpaceReserve reserve({config_.state.directory, config_.spool.directory});
  SystemPorts system(loop, std::move(*transport));
  if (options_.mode == Mode::run)
    system.watch(SpoolLayout(config_.spool.directory).incoming(), *log_);
  Systemd systemd;
  auto ports = system.ports(key);
  ports.service = &systemd;
  ports.reserve = &reserve;
  DaemonParts parts(config_, *foundation, std::move(ports), *log_);
  parts.gate.on_refused_key([&key] { return key.advice(); });
  key.on_change([&parts] { parts.identity.key_changed(); });
  Administration* administration = nullptr;
  const auto reloaded = [&](const Config& config) {
    key.set_key_file(config.api.key_file);
    key.reread();
    reconfigure_log(*log_, config, options_.progress_bar);
    if (const auto https = https_options(config, process_environment()); !https)
      log_->error("{}; the old connection settings stay", https.error().message);
    else if (const auto set = system.transport().set_options(*https); !set)
      log_->error("{}; the old connection settings stay", set.error().message);
    if (administration != nullptr)
      administration->reload(config);
  };
  Supervision supervision(config_, options_, parts, *log_, reloaded);
  Pause pause(parts.ledger, parts.gate, parts.timers, [&parts] { return parts.identity.parked_for(); });
  if (auto restored = pause.restore(*foundation->ledger); !restored)
    return failed(ExitCode::failure, restored.error().message);
  Administration admin(loop.get_executor(), parts, supervision, pause, *log_);
  administration = &admin;
  Inquiries inquiries(loop.get_executor(), parts, parts.disk, config_.state.directory);
  inquiries.add_to(admin.router());
  admin.open(config_, options_.mode);
  if (options_.progress_bar)
    parts.tasks.spawn(show_progress(admin.collector(), parts.timers));
  boost::asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
  release_reload();
  parts.tasks.spawn(obey_signals(signals, supervision, admin.collector()));
  std::exception_ptr failure;
  const auto ended = [&failure](const std::exception_ptr& error) { failure = error; };
  boost::asio::co_spawn(loop, supervision.run(), ended);
  loop.run();
  if (failure)
    std::rethrow_exception(failure);
  return supervision.summary();
}

}  // namespace usherd
