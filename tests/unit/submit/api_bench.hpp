#pragma once

#include "tests/fakes/scripted_transport.hpp"
#include "tests/unit/submit/loop.hpp"

#include "usherd/submit/api_client.hpp"

#include <spdlog/sinks/ostream_sink.h>

#include <functional>
#include <memory>
#include <sstream>
#include <string>

namespace usherd::test {

/// An ApiClient over a scripted server, in time that the test moves. Nothing waits any more when it is
/// destroyed: coroutines refer to its members.
struct ApiBench {
  explicit ApiBench(std::size_t size = 8) : sessions(loop.executor(), transport, size) {}
  ApiBench(const ApiBench&) = delete;
  ApiBench& operator=(const ApiBench&) = delete;
  ~ApiBench() { close(); }

  Loop loop;
  std::ostringstream lines;
  std::shared_ptr<Log> log =
      std::make_shared<Log>("api", std::make_shared<spdlog::sinks::ostream_sink_st>(lines));
  fakes::ScriptedTransport transport{loop.executor()};
  RequestGate gate{loop.executor(), loop.timers, TokenBucket(1000, 1000), *log};
  SessionPool sessions;
  std::string key = "first";
  unsigned rereads = 0;
  std::function<void()> rereading;  ///< what reading the key anew brings along
  ApiClient api{ApiClient::Options{[this] { return "Basic " + key; }, [this] { reread(); }, {}}, gate,
                sessions, loop.timers, *log};

  void reread() {
    ++rereads;
    if (rereading)
      rereading();
  }
  void close() {
    gate.close();
    transport.release();
    loop.pass(std::chrono::hours{48});
  }

  [[nodiscard]] std::shared_ptr<Pending<ApiClient::Reply>> ask(Call call, std::string target = "/x") {
    return loop.start(api.call(request(call, std::move(target))));
  }
  /// A POST before which something has to be noted; `notes` counts how often it was.
  [[nodiscard]] std::shared_ptr<Pending<ApiClient::Reply>> ask_noted(unsigned& notes) {
    auto noted = request(Call::create, "/x");
    noted.before_send = [&notes]() -> boost::asio::awaitable<Result<void>> {
      ++notes;
      co_return Result<void>{};
    };
    return loop.start(api.call(std::move(noted)));
  }
  /// Whether a request would go out now; it is answered 200.
  [[nodiscard]] bool passes(Call call) {
    const auto before = transport.requests().size();
    transport.push(fakes::answered(200, "{}"));
    const auto asked = ask(call, "/passes");
    return transport.requests().size() > before;
  }
  [[nodiscard]] std::size_t sent() const { return transport.requests().size(); }
  [[nodiscard]] std::string last_target() const { return transport.requests().back().target; }
  [[nodiscard]] bool parked(ParkReason reason) const { return gate.parking().holds(reason); }

 private:
  static ApiRequest request(Call call, std::string target) {
    ApiRequest request;
    request.call = call;
    request.method = call == Call::create ? Method::post : Method::get;
    request.target = std::move(target);
    return request;
  }
};

}  // namespace usherd::test
