#include "usherd/adapters/journal_log.hpp"

#include "usherd/core/log_event.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <systemd/sd-journal.h>

#include <sys/uio.h>

#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace usherd {
namespace {

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    auto fields = journal_fields(message);
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (auto& field : fields)
      parts.push_back({field.data(), field.size()});
    if (sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) != 0)
      std::fprintf(stderr, "%s\n", text_of(message).c_str());
  }
  void flush_() override {}
};

}  // namespace

std::shared_ptr<Log> make_journal_log(LogLevel level) {
  auto log = std::make_shared<Log>("usherd", std::make_shared<JournalSink>());
  log->set_level(to_spdlog(level));
  return log;
}

}  // namespace usherd
