#include "src/app/administration.hpp"

#include "src/app/file_story.hpp"
#include "usherd/admin/status_page.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kMostStreams = 16;
constexpr std::chrono::seconds kEventPace{1};

AdminReply outcome(const Result<void>& done, const StatusReport& report) {
  if (!done)
    return AdminReply::error(503, done.error().message);
  AdminReply reply;
  reply.body = status_json(report, true);
  return reply;
}

}  // namespace

/// A reader of events; counted for as long as it lives.
struct Administration::Stream {
  Stream(std::size_t& number, std::unique_ptr<Alarm> pace, bool names)
      : count(number), alarm(std::move(pace)), with_names(names) {
    ++count;
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { --count; }

  std::size_t& count;
  std::unique_ptr<Alarm> alarm;
  bool with_names;
  bool first = true;
};

Administration::Administration(boost::asio::any_io_executor loop, DaemonParts& parts,
                               Supervision& supervision, Pause& pause, Log& log)
    : parts_(parts),
      supervision_(supervision),
      pause_(pause),
      log_(log),
      collector_(parts, {supervision.mode(), [&supervision] { return supervision.phase(); },
                         [&supervision] { return supervision.reload_good(); }}),
      router_(log),
      server_(std::move(loop), parts.tasks, router_, log) {
  add_routes();
}

void Administration::add_routes() {
  const auto bind = [this](Answer (Administration::*member)(AdminRequest)) {
    return [this, member](AdminRequest request) { return (this->*member)(std::move(request)); };
  };
  for (const auto& asset : page_assets()) {
    router_.read(std::string(asset.path), [&asset](const AdminRequest&) { return page_asset(asset); });
  }
  router_.read("/api/status", bind(&Administration::status));
  router_.read("/api/events", bind(&Administration::events));
  router_.read("/metrics", bind(&Administration::metrics));
  router_.read("/healthz", bind(&Administration::healthz));
  router_.read("/readyz", bind(&Administration::readyz));
  router_.local("/api/file", bind(&Administration::file));
  router_.local("/api/jobs", bind(&Administration::jobs));
  router_.action("/api/jobs/abandon", bind(&Administration::abandon));
  router_.action("/api/pause", bind(&Administration::pause));
  router_.action("/api/resume", bind(&Administration::resume));
  router_.action("/api/reload", bind(&Administration::reload));
}

void Administration::open(const Config& config, Daemon::Mode mode) {
  const bool serves = mode == Daemon::Mode::run;
  if (auto opened = server_.open_socket(config.admin.socket); !opened)
    log_.log(serves ? spdlog::level::err : spdlog::level::warn,
             "{}; status, pause, resume and jobs will not reach this {}", opened.error().message,
             serves ? "service" : "drain");
  if (!serves || config.admin.listen.empty())
    return;
  const auto port = server_.open_port(config.admin.listen, HostRule(config.admin.hosts));
  if (port)
    log_.info("status page on http://{}:{}/", config.admin.listen.substr(0, config.admin.listen.rfind(':')),
              *port);
  else
    log_.error(
        "{}; no status page and no metrics: free that address or give admin.listen another one, and restart "
        "usherd",
        port.error().message);
}

Administration::Answer Administration::status(AdminRequest request) {
  const auto report = co_await collector_.collect();
  AdminReply reply;
  reply.body = status_json(report, request.peer.local);
  co_return reply;
}

Administration::Answer Administration::metrics(AdminRequest /*request*/) {
  const auto report = co_await collector_.collect();
  auto reply = AdminReply::text(200, collector_.metrics(report));
  reply.type = "text/plain; version=0.0.4; charset=utf-8";
  co_return reply;
}

Administration::Answer Administration::healthz(AdminRequest /*request*/) {
  // That this runs at all is the event loop's share of it.
  const bool answers = co_await collector_.ledger_answers();
  co_return answers ? AdminReply::text(200, "ok\n")
                    : AdminReply::text(503,
                                       "the ledger does not answer: look at the disk that holds "
                                       "state.directory\n");
}

Administration::Answer Administration::readyz(AdminRequest /*request*/) {
  const auto report = co_await collector_.collect();
  const auto reason = not_ready(report);
  co_return reason ? AdminReply::text(503, *reason + "\n") : AdminReply::text(200, "ok\n");
}

boost::asio::awaitable<std::string> Administration::next_event(std::shared_ptr<Stream> stream) {
  const auto until = parts_.timers.now().boot + kEventPace;
  while (!std::exchange(stream->first, false) && parts_.timers.now().boot < until)
    co_await stream->alarm->wait_until(until);
  const auto report = co_await collector_.collect();
  // One line each: the JSON has no newline but its last.
  co_return "event: status\ndata: " + status_json(report, stream->with_names) + "\n";
}

Administration::Answer Administration::events(AdminRequest request) {
  // Each door has its own, so that strangers at the port keep no operator out.
  auto& streams = request.peer.local ? local_streams_ : port_streams_;
  if (streams >= kMostStreams)
    co_return AdminReply::error(503, "too many readers of events; close some");
  const auto stream =
      std::make_shared<Stream>(streams, parts_.timers.alarm(WaitFor::operators), request.peer.local);
  AdminReply reply;
  reply.type = "text/event-stream";
  reply.body = "retry: 1000\n\n";
  reply.next = [this, stream] { return next_event(stream); };
  co_return reply;
}

Administration::Answer Administration::file(AdminRequest request) {
  if (request.value("name").empty())
    co_return AdminReply::error(400, "name a file: ?name=NAME");
  co_return co_await tell_of_file(parts_, std::string(request.value("name")));
}

Administration::Answer Administration::jobs(AdminRequest /*request*/) {
  const auto report = co_await collector_.collect();
  AdminReply reply;
  reply.body = jobs_json(report);
  co_return reply;
}

Administration::Answer Administration::abandon(AdminRequest request) {
  if (request.value("job").empty())
    co_return AdminReply::error(400, "name a job: ?job=JOB");
  const auto done = co_await parts_.delivery.abandon(std::string(request.value("job")));
  if (!done)
    co_return AdminReply::error(done.error().code == Errc::not_found ? 404 : 503, done.error().message);
  AdminReply reply;
  reply.body = fmt::format("{{\"records\":{}}}\n", *done);
  co_return reply;
}

Administration::Answer Administration::pause(AdminRequest /*request*/) {
  const auto done = co_await pause_.pause();
  collector_.forget();
  const auto report = co_await collector_.collect();
  co_return outcome(done, report);
}

Administration::Answer Administration::resume(AdminRequest /*request*/) {
  const auto done = co_await pause_.resume();
  collector_.forget();
  const auto report = co_await collector_.collect();
  co_return outcome(done, report);
}

Administration::Answer Administration::reload(AdminRequest /*request*/) {
  const auto done = supervision_.reload();
  collector_.forget();
  const auto report = co_await collector_.collect();
  co_return outcome(done, report);
}

}  // namespace usherd
