#include "src/adapters/wire.hpp"

#include "src/adapters/dialer.hpp"
#include "tests/loopback/transport/client.hpp"
#include "tests/unit/adapters/run_loop.hpp"

#include <doctest/doctest.h>

#include <array>
#include <future>
#include <span>

using namespace usherd;
using namespace usherd::test;
namespace asio = boost::asio;

namespace {

// Writes until it fails, then reads what there is.
asio::awaitable<std::string> write_then_read(asio::any_io_executor executor, const HttpsSettings& settings,
                                             Deadline& deadline, std::future<void>& reset) {
  Result<std::unique_ptr<Wire>> wire = co_await dial(executor, settings, deadline);
  REQUIRE(wire.has_value());
  const std::string text(40'000, 'u');  // more than one TLS record: reading a byte leaves some unread
  const Result<std::size_t> first = co_await (*wire)->write_some(text);
  REQUIRE(first.has_value());
  reset.wait();
  const Result<std::size_t> second = co_await (*wire)->write_some(text);
  CHECK_FALSE(second.has_value());
  CHECK((*wire)->look() == Wire::Look::readable);
  std::array<char, 100> bytes;
  const Result<std::size_t> got = co_await (*wire)->read_some(bytes);
  REQUIRE(got.has_value());
  const Result<std::size_t> end = co_await (*wire)->read_some(bytes);
  CHECK_FALSE(end.has_value());
  CHECK((*wire)->look() == Wire::Look::closed);
  deadline.clear();
  co_return std::string(bytes.data(), *got);
}

}  // namespace

TEST_CASE("What the server said before it reset the connection can be read after a write failed") {
  for (const bool tls : {true, false}) {
    CAPTURE(tls);
    std::promise<void> reset;
    std::future<void> was_reset = reset.get_future();
    Server server(tls ? good_context() : nullptr, [&](Peer& peer, unsigned) {
      peer.read_bytes(1);
      peer.write("last words");
      peer.cut();  // the rest of what the client sent is unread: the kernel resets
      reset.set_value();
    });
    asio::io_context loop;
    const auto settings = HttpsSettings::make(Client::options(server.port(), tls)).value();
    Deadline deadline(loop.get_executor());
    CHECK(test::run(loop, write_then_read(loop.get_executor(), *settings, deadline, was_reset)) ==
          "last words");
  }
}

namespace {

constexpr std::size_t kMuch = 600'000;

// Whether bytes were lost, once the kernel has all and the server has reset the connection.
asio::awaitable<bool> lost_after_reset(asio::any_io_executor executor, const HttpsSettings& settings,
                                       Deadline& deadline, std::promise<void>& written) {
  Result<std::unique_ptr<Wire>> wire = co_await dial(executor, settings, deadline);
  REQUIRE(wire.has_value());
  const std::string text(kMuch, 'u');
  for (std::size_t at = 0; at < text.size();) {
    const Result<std::size_t> put = co_await (*wire)->write_some(std::span(text).subspan(at));
    REQUIRE(put.has_value());
    at += *put;
  }
  CHECK_FALSE((*wire)->lost_bytes());
  written.set_value();
  std::array<char, 100> bytes;
  const Result<std::size_t> got = co_await (*wire)->read_some(bytes);
  CHECK_FALSE(got.has_value());
  deadline.clear();
  co_return (*wire)->lost_bytes();
}

}  // namespace

TEST_CASE("What the kernel took and a reset kept from leaving was not sent") {
  for (const bool tls : {true, false}) {
    for (const bool reads : {true, false}) {
      CAPTURE(tls);
      CAPTURE(reads);
      std::promise<void> written;
      Server server(tls ? good_context() : nullptr, [&](Peer& peer, unsigned) {
        peer.read_bytes(reads ? kMuch : 1);
        written.get_future().wait();
        peer.reset();
      });
      asio::io_context loop;
      const auto settings = HttpsSettings::make(Client::options(server.port(), tls)).value();
      Deadline deadline(loop.get_executor());
      CHECK(test::run(loop, lost_after_reset(loop.get_executor(), *settings, deadline, written)) == !reads);
    }
  }
}
