#pragma once

#include "src/sandbox/api.hpp"
#include "src/sandbox/channel.hpp"
#include "src/sandbox/http_reader.hpp"
#include "src/sandbox/virtual_clock.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace usherd::sandbox {

/// What every session of the API works on; all of it outlives the sessions.
struct ApiStage {
  Organisation& organisation;
  Api& api;
  VirtualClock& clock;
  std::function<void()> jobs_changed;  ///< called after each request
};

/// One connection to the API, from its first request to its end: reads, asks the API, answers, and does to
/// the connection what a fault rule says.
class ApiSession {
 public:
  ApiSession(ApiStage& stage, Channel& channel);
  ~ApiSession();
  ApiSession(const ApiSession&) = delete;
  ApiSession& operator=(const ApiSession&) = delete;

  [[nodiscard]] boost::asio::awaitable<void> run();

 private:
  /// These return whether the connection goes on.
  [[nodiscard]] boost::asio::awaitable<bool> exchange();
  [[nodiscard]] boost::asio::awaitable<bool> handle(ApiRequest request);
  [[nodiscard]] boost::asio::awaitable<bool> strike(FaultRule fault, Call call);
  [[nodiscard]] boost::asio::awaitable<bool> refuse_body();
  [[nodiscard]] boost::asio::awaitable<bool> send(ApiAnswer answer);
  [[nodiscard]] boost::asio::awaitable<bool> send_spoilt(std::string head, ApiAnswer answer);
  [[nodiscard]] boost::asio::awaitable<bool> trickle(std::string text, Milliseconds pause);

  [[nodiscard]] boost::asio::awaitable<ReadEnd> read_body(std::uint64_t stop_at);
  [[nodiscard]] boost::asio::awaitable<bool> hang();
  [[nodiscard]] boost::asio::awaitable<void> wait(Milliseconds time);

  ApiStage& stage_;
  Channel& channel_;
  HttpReader reader_;
};

}  // namespace usherd::sandbox
