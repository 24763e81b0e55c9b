#include "usherd/sandbox/sandbox.hpp"

#include "src/sandbox/server.hpp"
#include "src/sandbox/user_json.hpp"
#include "usherd/core/random.hpp"

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <future>
#include <thread>

namespace usherd::sandbox {

namespace asio = boost::asio;

/// What the start decided stays readable from any thread; the server belongs to the loop's thread.
struct Sandbox::State {
  std::string key;
  std::string ca_file;
  bool plain = false;
  std::uint16_t port = 0;
  std::uint16_t control_port = 0;

  asio::io_context loop{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard;
  std::unique_ptr<Server> server;
  std::thread thread;

  /// Runs `work` on the loop's thread and waits for what it returns.
  template <class Work>
  auto on_loop(Work work) {
    std::packaged_task<std::invoke_result_t<Work&>()> task(std::move(work));
    auto done = task.get_future();
    asio::post(loop, [&task] { task(); });
    return done.get();
  }
};

Sandbox::Sandbox(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Sandbox>> Sandbox::start(const SandboxOptions& options) {
  auto files = CertificateFiles::open(options.certificate_dir);
  if (!files)
    return files.error();
  auto state = std::make_unique<State>();
  Random random = Random::from_system();
  state->key = options.key.empty() ? "na1.sandbox/" + random.uuid() : options.key;
  state->plain = options.plain;
  state->server = std::make_unique<Server>(state->loop, options, state->key, std::move(*files));
  state->ca_file = state->server->ca_file();
  if (auto done = state->server->open(options.port, options.control_port); !done) {
    state->server->stop();
    state->loop.run();
    return done.error();
  }
  state->port = state->server->port();
  state->control_port = state->server->control_port();
  state->guard.emplace(state->loop.get_executor());
  state->thread = std::thread([loop = &state->loop] { loop->run(); });
  return std::unique_ptr<Sandbox>(new Sandbox(std::move(state)));
}

Sandbox::~Sandbox() {
  try {
    asio::post(state_->loop, [state = state_.get()] {
      state->server->stop();
      state->guard.reset();
    });
    state_->thread.join();
  } catch (...) {
    // No memory even to ask the thread to end: nothing may be destroyed under it.
    std::terminate();
  }
}

std::uint16_t Sandbox::port() const {
  return state_->port;
}
std::uint16_t Sandbox::control_port() const {
  return state_->control_port;
}
const std::string& Sandbox::ca_file() const {
  return state_->ca_file;
}
const std::string& Sandbox::key() const {
  return state_->key;
}

std::string Sandbox::api_url() const {
  return state_->plain ? fmt::format("http://127.0.0.1:{}", port())
                       : fmt::format("https://localhost:{}", port());
}

std::string Sandbox::control_url() const {
  return fmt::format("http://127.0.0.1:{}", control_port());
}

Oracle Sandbox::oracle() {
  return state_->on_loop([server = state_->server.get()] {
    server->organisation.tick(server->clock.now());
    return server->organisation.oracle();
  });
}

std::optional<std::string> Sandbox::user(std::string_view uid) {
  return state_->on_loop([&, server = state_->server.get()] { return server->control.user_json(uid); });
}

std::string Sandbox::users() {
  return state_->on_loop([server = state_->server.get()] {
    const UserStore& users = server->organisation.users;
    std::string out;
    for (const UserStore::Number user : users.sorted())
      out += oracle_user_json(users, user) + "\n";
    return out;
  });
}

std::string Sandbox::jobs() {
  return state_->on_loop([server = state_->server.get()] { return server->control.jobs_json(); });
}

std::string Sandbox::keys() {
  return state_->on_loop([server = state_->server.get()] { return server->control.keys_json(); });
}

Settings Sandbox::settings() {
  return state_->on_loop([server = state_->server.get()] { return server->organisation.settings; });
}

Result<void> Sandbox::set(std::string_view name, std::string_view value) {
  return state_->on_loop([&, server = state_->server.get()] {
    return server->control.set(with_text(server->organisation.settings, name, value));
  });
}

Result<void> Sandbox::add_faults(std::string_view json) {
  return state_->on_loop(
      [&, server = state_->server.get()] { return server->control.add_faults(json, false); });
}

void Sandbox::clear_faults() {
  state_->on_loop([server = state_->server.get()] { server->organisation.faults.clear(); });
}

void Sandbox::advance_clock(Milliseconds by) {
  state_->on_loop([&, server = state_->server.get()] { server->control.advance(by); });
}

void Sandbox::revoke_key() {
  state_->on_loop([server = state_->server.get()] { server->organisation.access.revoke(); });
}

void Sandbox::accept_key(std::string key) {
  state_->on_loop([&, server = state_->server.get()] { server->organisation.access.accept(std::move(key)); });
}

void Sandbox::set_neighbour(std::uint64_t batches, std::uint64_t operations) {
  Neighbour neighbour;
  neighbour.batches = batches;
  neighbour.operations = operations;
  state_->on_loop([&, server = state_->server.get()] { server->control.set_neighbour(neighbour); });
}

std::size_t Sandbox::finish_jobs(std::string_view id) {
  return state_->on_loop([&, server = state_->server.get()] { return server->control.finish_jobs(id); });
}

void Sandbox::reset() {
  state_->on_loop([server = state_->server.get()] { server->control.reset(); });
}

}  // namespace usherd::sandbox
