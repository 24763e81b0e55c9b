#include "usherd/app/daemon.hpp"

#include "src/app/daemon_parts.hpp"
#include "src/app/supervision.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>

namespace usherd {
namespace {

RunSummary failed(ExitCode exit, std::string message) {
  RunSummary summary;
  summary.exit = exit;
  summary.error = std::move(message);
  return summary;
}

}  // namespace

Daemon::Daemon(Config config, Options options, std::shared_ptr<Log> log)
    : config_(std::move(config)), options_(std::move(options)), log_(std::move(log)) {}

Daemon::~Daemon() = default;

RunSummary Daemon::run() {
  PosixFiles disk;
  KeyHolder key(config_.api.key_file, process_environment(), *log_);
  if (auto read = key.read(); !read)
    return failed(ExitCode::config, read.error().message);
  auto foundation = lay_foundation(config_, disk);
  if (!foundation)
    return failed(foundation.error().exit, foundation.error().error.message);
  boost::asio::io_context loop(1);
  auto transport = HttpsTransport::make(loop.get_executor(), foundation->https);
  if (!transport)
    return failed(ExitCode::config, transport.error().message);
  DaemonParts parts(config_, *foundation, std::move(*transport), disk, loop, key, *log_,
                    options_.mode == Mode::run);
  Supervision supervision(config_, options_, parts, loop, key, *log_);
  std::exception_ptr failure;
  const auto ended = [&failure](const std::exception_ptr& error) { failure = error; };
  boost::asio::co_spawn(loop, supervision.run(), ended);
  loop.run();
  if (failure)
    std::rethrow_exception(failure);
  return supervision.summary();
}

}  // namespace usherd
