#pragma once

#include "usherd/core/log.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/ports/transport.hpp"
#include "usherd/ports/waits.hpp"
#include "usherd/submit/known_jobs.hpp"
#include "usherd/submit/outage_watch.hpp"
#include "usherd/submit/request_gate.hpp"
#include "usherd/submit/session_pool.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// The calls of the API that usherd makes, as metrics and logs name them.
enum class Call : std::uint8_t { create, status, imports, errors, me };
[[nodiscard]] std::string_view to_string(Call call);

struct ApiRequest {
  Call call = Call::status;
  Method method = Method::get;
  std::string target;           ///< below the base URL
  std::string idempotency_key;  ///< POST only; empty for none
  /// A 401 may be the answer that was stored for an earlier try of this idempotency key, and no word about
  /// the API key. GET /me tells them apart.
  bool may_be_replayed = false;
  /// Whether a 2xx can be the answer to this request at all; empty: any may be. What belongs to another
  /// request (an answer sent twice, say) is no answer, and its connection is closed.
  std::function<bool(const std::string& body)> is_its_own;
  BodySource* body = nullptr;
  std::uint64_t most_response_bytes = 1 << 20;
  /// Awaited when a session is at hand, right before the first byte may leave: what must be durable by then.
  std::function<boost::asio::awaitable<Result<void>>()> before_send;
  /// Called when that went well, the connection stands, and nothing is between the request and the wire any
  /// more.
  std::function<void()> sending;
};

/// One request and its answer as everybody needs them: waits at the gate and for a session, adds the key,
/// obeys Retry-After for the whole client, parks on what the table of product section 5 parks on. What an
/// answer means for a batch is its caller's. Event loop only.
class ApiClient {
 public:
  struct Options {
    std::function<std::string()> authorization;  ///< the value of the Authorization header
    std::function<void()> reread_key;            ///< after a 401, and before each probe
    /// How an exchange ended, and how long it took.
    std::function<void(const ApiRequest&, const Exchange&, BootClock::duration)> on_answer;
    Waits* waits = nullptr;  ///< where an exchange is noted with the time by which it must have ended
    /// From its begin, or from the last piece of its body that was asked for. Asked at the begin of each
    /// exchange, and then holds to its end.
    std::function<BootClock::duration()> longest_exchange = {};
  };
  struct Reply {
    bool stopped = false;           ///< the gate closed: nothing was sent
    std::optional<Error> not_sent;  ///< before_send failed: nothing was sent
    Exchange exchange;
    bool replayed = false;  ///< a 401 while GET /me takes the API key: nobody is parked for it
    BootTime sent{};
    BootTime ended{};

    [[nodiscard]] static Reply none() {
      Reply reply;
      reply.stopped = true;
      return reply;
    }
  };

  ApiClient(Options options, RequestGate& gate, SessionPool& sessions, Timers& timers, Log& log);

  [[nodiscard]] boost::asio::awaitable<Reply> call(ApiRequest request);
  [[nodiscard]] RequestGate& gate() { return gate_; }
  [[nodiscard]] KnownJobs& jobs() { return jobs_; }
  /// Reads the key again, as before a probe.
  void reread_key() { options_.reread_key(); }
  struct Outage {
    OutageWatch::Outage so_far;
    const std::string& why;  ///< of the last request that came to nothing, in our words
  };
  /// While request after request comes to nothing, as the log tells.
  [[nodiscard]] std::optional<Outage> outage() const;
  /// Exchanges begun and not ended.
  [[nodiscard]] std::size_t in_flight() const { return under_way_.size(); }
  /// From now on nobody connects: exchanges of which nothing was sent end as cancelled.
  void stop_dialling();
  /// Called when the last exchange under way has ended.
  void on_quiet(std::function<void()> quiet) { quiet_ = std::move(quiet); }

 private:
  /// Nothing: it has to be admitted anew.
  [[nodiscard]] boost::asio::awaitable<std::optional<Reply>> try_once(Connection& connection,
                                                                      const ApiRequest& request,
                                                                      const Admission& admission);
  enum class Turn : std::uint8_t {
    goes,
    again,  ///< it has to be admitted anew
    ended,  ///< the reply says how
  };
  [[nodiscard]] boost::asio::awaitable<Turn> make_ready(Connection& connection, const ApiRequest& request,
                                                        const Admission& admission, Reply& reply);
  [[nodiscard]] bool must_wait(CallKind kind, const Admission& admission);
  [[nodiscard]] boost::asio::awaitable<Exchange> exchange(Connection& connection, const ApiRequest& request,
                                                          std::function<bool()> may_leave = {});
  enum class KeyWord : std::uint8_t { good, unclear, refused, later };
  /// Whether the key is good as far as GET /me can tell; unclear: it answers something else, as it may not
  /// exist on a stand-in; later: a 429, which now binds everybody.
  [[nodiscard]] boost::asio::awaitable<KeyWord> ask_me(Connection& connection);
  /// Whether the refusal is about the idempotency key; `word` is what GET /me said right before.
  [[nodiscard]] boost::asio::awaitable<bool> is_replay(Connection& connection, const ApiRequest& request,
                                                       const Exchange& exchange, std::optional<KeyWord> word);
  void note(const ApiRequest& request, const Admission& admission, const Reply& reply);
  void obey_retry_after(const Exchange& exchange);
  void watch(Call call, const Exchange& exchange);

  Options options_;
  RequestGate& gate_;
  SessionPool& sessions_;
  Timers& timers_;
  Log& log_;
  /// 429s in a row that named no time to wait.
  unsigned nameless_refusals_ = 0;
  OutageWatch outage_;
  std::string last_failure_;
  KnownJobs jobs_;
  std::list<Connection*> under_way_;  ///< those of the exchanges begun and not ended
  bool dials_ = true;
  std::function<void()> quiet_;
};

}  // namespace usherd
