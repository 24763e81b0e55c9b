#include "tests/loopback/pipeline/pipeline_bench.hpp"

#include <boost/json/parse.hpp>

#include <spdlog/sinks/ostream_sink.h>

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace usherd::test {
namespace {

namespace fs = std::filesystem;

/// No test takes this long; one that hangs ends with it.
constexpr std::chrono::seconds kLongest{60};

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_secret(const std::string& path, const std::string& text) {
  std::ofstream(path) << text << '\n';
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

/// A proxy or a credential of whoever runs the tests is none of theirs.
Environment no_environment() {
  return [](const std::string&) { return std::optional<std::string>(); };
}

HttpsOptions direct(const Config& config) {
  auto options = https_options(config, no_environment());
  REQUIRE_MESSAGE(options.has_value(), (options ? "" : options.error().message));
  return *options;
}

}  // namespace

RunningDaemon::RunningDaemon(const Config& config, Daemon::Mode mode, double pace, Log& log)
    : key_(config.api.key_file, no_environment(), log), timers_(loop_.get_executor(), pace) {
  REQUIRE(key_.read().has_value());
  auto foundation = lay_foundation(config, disk_);
  REQUIRE_MESSAGE(foundation.has_value(), (foundation ? "" : foundation.error().error.message));
  foundation_ = std::move(*foundation);
  auto transport = HttpsTransport::make(loop_.get_executor(), direct(config));
  REQUIRE(transport.has_value());
  transport_ = std::move(*transport);
  DaemonPorts ports{loop_.get_executor(),
                    timers_,
                    disk_,
                    *transport_,
                    pool_.workers(),
                    ledger_thread_.workers(),
                    nullptr,
                    Random::from_system(),
                    "boot",
                    [this] { return key_.authorization(); },
                    [this] { key_.reread(); },
                    {}};
  parts_ = std::make_unique<DaemonParts>(config, foundation_, std::move(ports), log);
  Daemon::Options options;
  options.mode = mode;
  options.park_timeout = std::chrono::hours{24 * 365};
  supervision_ = std::make_unique<Supervision>(config, options, *parts_, log, [](const Config&) {});
  const auto ended = [this](const std::exception_ptr& failure) {
    failure_ = failure;
    ended_ = true;
  };
  boost::asio::co_spawn(loop_, supervision_->run(), ended);
}

RunningDaemon::~RunningDaemon() {
  if (!ended_)
    break_off();
}

bool RunningDaemon::run_until(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kLongest;
  while (!done()) {
    if (ended_ || std::chrono::steady_clock::now() >= end)
      return false;
    loop_.run_one_until(end);
  }
  return true;
}

RunSummary RunningDaemon::finish() {
  const bool ended = run_until([this] { return ended_; });
  CHECK_MESSAGE(ended, "the daemon did not come to its end");
  if (!ended)
    break_off();
  CHECK(failure_ == nullptr);
  return supervision_->summary();
}

void RunningDaemon::break_off() {
  supervision_->stop();
  supervision_->stop();
  (void)run_until([this] { return ended_; });
}

void RunningDaemon::reconfigure(const Config& config) {
  supervision_->take_up(config);
}

PipelineBench::PipelineBench(std::string_view settings, double pace_of_time) : pace(pace_of_time) {
  sandbox::SandboxOptions options;
  options.certificate_dir = scratch_.path() + "/certificates";
  auto merged = sandbox::with_json(options.settings, R"({"job_time":"5ms"})");
  REQUIRE(merged.has_value());
  merged = sandbox::with_json(*merged, settings);
  REQUIRE_MESSAGE(merged.has_value(), (merged ? "" : merged.error().message));
  options.settings = *merged;
  auto started = sandbox::Sandbox::start(options);
  REQUIRE_MESSAGE(started.has_value(), (started ? "" : started.error().message));
  server = std::move(*started);
  log_ = std::make_shared<Log>("daemon", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_));
  log_->set_pattern("%l %v");
  config.api.base_url = server->api_url();
  config.api.ca_file = server->ca_file();
  config.api.key_file = scratch_.path() + "/key";
  write_key(server->key());
  config.spool.directory = scratch_.path() + "/spool";
  config.spool.settle = Milliseconds{0};
  config.spool.rescan = Milliseconds{1000};
  config.spool.min_free = 1 << 20;
  config.state.directory = scratch_.path() + "/state";
  config.limits.requests_per_second = 100'000;
  config.limits.burst = 100'000;
  config.batch.linger = Milliseconds{10};
  fs::create_directories(config.spool.directory + "/incoming");
}

void PipelineBench::fault(std::string_view rules) {
  const auto added = server->add_faults(rules);
  REQUIRE_MESSAGE(added.has_value(), (added ? "" : added.error().message));
}

void PipelineBench::set(std::string_view name, std::string_view value) {
  const auto done = server->set(name, value);
  REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().message));
}

void PipelineBench::write_key(const std::string& key) {
  write_secret(config.api.key_file, key);
}

void PipelineBench::drop(const std::string& name, const std::string& lines) {
  const auto incoming = config.spool.directory + "/incoming/";
  std::ofstream(incoming + "." + name) << lines;
  fs::rename(incoming + "." + name, incoming + name);
}

std::string PipelineBench::records(std::size_t count, const std::string& prefix, std::size_t first) {
  std::string lines;
  for (std::size_t i = 0; i < count; ++i)
    lines += fmt::format("{{\"uid\":\"{}{}\",\"properties\":{{\"n\":{}}}}}\n", prefix, i, first + i);
  return lines;
}

std::unique_ptr<RunningDaemon> PipelineBench::start(Daemon::Mode mode) {
  return std::make_unique<RunningDaemon>(config, mode, pace, *log_);
}

boost::json::object PipelineBench::receipt(const std::string& name) const {
  const auto text = read_all(config.spool.directory + "/done/" + name + ".receipt.json");
  if (text.empty())
    return {};
  return boost::json::parse(text).as_object();
}

std::vector<boost::json::object> PipelineBench::rejects(const std::string& name) const {
  std::istringstream text(read_all(config.spool.directory + "/rejected/" + name + ".rejects.ndjson"));
  std::vector<boost::json::object> lines;
  for (std::string line; std::getline(text, line);)
    lines.push_back(boost::json::parse(line).as_object());
  return lines;
}

void PipelineBench::check_promises() {
  const auto seen = server->oracle();
  CHECK(seen.applied_twice == 0);
  CHECK(seen.bodies_applied_twice == 0);
  CHECK(seen.keys_with_two_bodies == 0);
  CHECK(seen.users_in_two_jobs == 0);
  CHECK(seen.early_after_retry_after == 0);
  CHECK(seen.peak_in_progress_batches <= config.limits.in_progress_batches);
  CHECK(seen.peak_in_progress_operations <= config.limits.in_progress_operations);
  for (const auto& left : fs::directory_iterator(config.spool.directory + "/working"))
    FAIL_CHECK("left in working/: " << left.path().filename().string());
}

std::string counts(const boost::json::object& receipt) {
  std::string text;
  for (const auto* member : {"imported", "rejected", "merged", "unknown", "rekeyed"}) {
    const auto* count = receipt.if_contains(member);
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", member,
                        count == nullptr ? std::string("?") : std::to_string(count->to_number<long>()));
  }
  return text;
}

std::string all_imported(std::size_t records) {
  return fmt::format("imported {} rejected 0 merged 0 unknown 0 rekeyed 0", records);
}

}  // namespace usherd::test
