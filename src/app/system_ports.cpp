#include "src/app/system_ports.hpp"

#include "usherd/adapters/inotify_watch.hpp"

#include <fstream>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kWorkers = 2;

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace

SystemPorts::SystemPorts(boost::asio::io_context& loop, std::unique_ptr<HttpsTransport> transport)
    : loop_(loop),
      timers_(loop.get_executor()),
      ledger_thread_(1),
      pool_(kWorkers),
      transport_(std::move(transport)) {}

SystemPorts::~SystemPorts() = default;

void SystemPorts::watch(const std::string& directory, Log& log) {
  auto watch = InotifyWatch::open(loop_.get_executor(), directory);
  if (watch)
    watch_ = std::move(*watch);
  else
    log.warn("incoming/ cannot be watched: {}; files are found by the rescan alone", watch.error().message);
}

DaemonPorts SystemPorts::ports(KeyHolder& key) {
  return DaemonPorts{loop_.get_executor(),
                     timers_,
                     disk_,
                     *transport_,
                     pool_.workers(),
                     ledger_thread_.workers(),
                     watch_.get(),
                     Random::from_system(),
                     read_boot_id(),
                     [&key] { return key.authorization(); },
                     [&key] { key.reread(); },
                     {},
                     nullptr};
}

}  // namespace usherd
