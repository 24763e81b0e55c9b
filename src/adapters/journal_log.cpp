#include "usherd/adapters/journal_log.hpp"

#include "usherd/core/log_event.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <systemd/sd-journal.h>

#include <sys/uio.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace usherd {
namespace {

/// Where libsystemd sends to, and no other.
constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit JournalSink(spdlog::sink_ptr beside) : beside_(std::move(beside)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!send(message))
      beside_->log(message);
  }
  void flush_() override { beside_->flush(); }

 private:
  static bool send(const spdlog::details::log_msg& message) {
    // What is sent to a journal that is not there counts as sent for libsystemd: in a chroot or a container
    // every line would be lost. Asked each time, for it may come and go.
    if (::access(kJournalSocket, F_OK) != 0)
      return false;
    auto fields = journal_fields(message);
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (auto& field : fields)
      parts.push_back({field.data(), field.size()});
    return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
  }

  spdlog::sink_ptr beside_;
};

}  // namespace

std::shared_ptr<Log> make_journal_log(LogLevel level) {
  auto log = make_log(level, LogFormat::journal);
  log->sinks() = {std::make_shared<JournalSink>(log->sinks().front())};
  return log;
}

}  // namespace usherd
