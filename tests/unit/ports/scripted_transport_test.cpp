#include "tests/fakes/scripted_transport.hpp"

#include "tests/fakes/inline_workers.hpp"
#include "tests/fakes/manual_watch.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::fakes;
namespace asio = boost::asio;

namespace {

class Words final : public BodySource {
 public:
  explicit Words(std::vector<std::string> words, std::uint64_t length)
      : words_(std::move(words)), length_(length) {}
  [[nodiscard]] std::uint64_t length() const override { return length_; }
  asio::awaitable<Result<std::span<const char>>> next() override {
    if (at_ == words_.size()) {
      co_return Error{Errc::corrupt, "no more words"};
    }
    co_return std::span<const char>(words_[at_++]);
  }

 private:
  std::vector<std::string> words_;
  std::uint64_t length_;
  std::size_t at_ = 0;
};

struct Fixture {
  asio::io_context loop;
  ScriptedTransport transport{loop.get_executor()};
  std::unique_ptr<Connection> connection = transport.connection();
  asio::cancellation_signal signal;
  std::optional<Exchange> result;

  void start(Request request) {
    auto keep = [this](std::exception_ptr thrown, Exchange exchange) {
      CHECK_FALSE(thrown);
      result = std::move(exchange);
    };
    asio::co_spawn(loop, connection->exchange(std::move(request)),
                   asio::bind_cancellation_slot(signal.slot(), keep));
    poll();
  }
  void poll() {
    loop.restart();
    loop.poll();
  }
};

}  // namespace

TEST_CASE("Answers come from the queue, then from the handler, which sees the whole body") {
  Fixture fixture;
  fixture.transport.push(answered(429, "slow down", "7"));
  fixture.transport.handle([](const Request& request, const std::string& body) {
    return answered(200, request.target + " " + body);
  });
  Words first({"ab", "c"}, 3);
  fixture.start({Method::post, "/x", {{"Idempotency-Key", "k"}}, &first});
  REQUIRE(fixture.result.has_value());
  CHECK(fixture.result->status == 429);
  CHECK(fixture.result->retry_after == "7");
  CHECK(fixture.connection->is_open());
  Words second({"de"}, 2);
  fixture.start({Method::post, "/y", {}, &second});
  CHECK(fixture.result->body == "/y de");
  REQUIRE(fixture.transport.requests().size() == 2);
  CHECK(fixture.transport.requests()[0].body == "abc");
  CHECK(fixture.transport.requests()[0].header("Idempotency-Key") == "k");
  CHECK(fixture.transport.connections() == 1);
}

TEST_CASE("A body that fails is a request the server never saw") {
  Fixture fixture;
  Words body({"ab"}, 3);
  fixture.start({Method::post, "/", {}, &body});
  REQUIRE(fixture.result.has_value());
  CHECK(fixture.result->body_failed);
  CHECK(fixture.result->failure->code == Errc::corrupt);
  CHECK(fixture.result->progress == Progress::body_started);
  CHECK(fixture.transport.requests().empty());
  CHECK_FALSE(fixture.connection->is_open());
}

TEST_CASE("Held exchanges wait until they are released, closed or cancelled") {
  Fixture fixture;
  fixture.transport.hold();
  fixture.start({Method::get, "/", {}, nullptr});
  CHECK_FALSE(fixture.result.has_value());
  CHECK(fixture.transport.busy() == 1);
  SUBCASE("released") {
    fixture.transport.release();
    fixture.poll();
    CHECK(fixture.result.value().status == 404);
  }
  SUBCASE("closed") {
    fixture.connection->close();
    fixture.poll();
    CHECK(fixture.result.value().failure.value().code == Errc::cancelled);
  }
  SUBCASE("cancelled") {
    fixture.signal.emit(asio::cancellation_type::terminal);
    fixture.poll();
    CHECK(fixture.result.value().failure.value().code == Errc::cancelled);
    CHECK(fixture.result->progress == Progress::body_written);
  }
  CHECK(fixture.transport.busy() == 0);
}

TEST_CASE("Inline workers run on the loop itself, in order") {
  asio::io_context loop;
  const InlineWorkers workers(loop);
  std::vector<int> order;
  auto first = [&] { return order.emplace_back(1); };
  auto second = [&] { return order.emplace_back(2); };
  auto keep = [](std::exception_ptr thrown, int) { CHECK_FALSE(thrown); };
  asio::co_spawn(loop, workers.run(first), keep);
  asio::co_spawn(loop, workers.run(second), keep);
  CHECK(order.empty());
  loop.run();
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("A manual watch gives what it was told, once") {
  asio::io_context loop;
  ManualWatch watch(loop.get_executor());
  std::optional<Result<WatchBatch>> batch;
  auto keep = [&](std::exception_ptr, Result<WatchBatch> got) { batch.emplace(std::move(got)); };
  asio::co_spawn(loop, watch.next(), keep);
  loop.poll();
  CHECK_FALSE(batch.has_value());
  watch.tell("a");
  watch.tell("b");
  loop.restart();
  loop.poll();
  REQUIRE(batch.has_value());
  CHECK((*batch)->names == std::vector<std::string>{"a", "b"});
  batch.reset();
  watch.overflow();
  asio::co_spawn(loop, watch.next(), keep);
  loop.restart();
  loop.poll();
  REQUIRE(batch.has_value());
  CHECK((*batch)->overflow);
  CHECK((*batch)->names.empty());
}
