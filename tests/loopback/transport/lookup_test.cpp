#include "tests/loopback/transport/client.hpp"

#include <boost/asio/co_spawn.hpp>

#include <doctest/doctest.h>

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <cstring>
#include <exception>
#include <future>
#include <optional>
#include <utility>

using namespace usherd;
using namespace usherd::test;

namespace {

constexpr const char* kSlowName = "slow.invalid";

/// How the one name is looked up whose name server is dead.
struct SlowLookups {
  std::atomic<unsigned> begun = 0;
  std::promise<void> finish;
  std::shared_future<void> finished{finish.get_future()};
};

std::atomic<SlowLookups*> slow_lookups = nullptr;

/// Unlike Client::get(), does not wait until the loop has nothing left to do: a lookup may be.
Errc why_not(Client& client) {
  std::optional<Exchange> ended;
  boost::asio::co_spawn(client.loop, client.connection->exchange({Method::get, "/", {}, nullptr}),
                        [&](const std::exception_ptr&, Exchange exchange) { ended = std::move(exchange); });
  client.loop.restart();
  while (!ended)
    client.loop.run_one();
  REQUIRE(ended->failure.has_value());
  return ended->failure->code;
}

}  // namespace

/// In place of the C library's, which goes on with all other names.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  SlowLookups* const slow = slow_lookups;
  if (slow != nullptr && node != nullptr && std::strcmp(node, kSlowName) == 0) {
    ++slow->begun;
    slow->finished.wait();
    return EAI_AGAIN;
  }
  static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, found);
}

TEST_CASE("Lookups that nobody waits for any more do not stand before those of who does") {
  SlowLookups slow;
  slow_lookups = &slow;
  HttpsOptions options = Client::options(1);
  options.addresses.clear();
  options.base.host = kSlowName;
  options.connect_timeout = Milliseconds(60);
  Client client(options);
  for (int i = 0; i < 5; ++i)
    CHECK(why_not(client) == Errc::timeout);
  slow.finish.set_value();
  options.connect_timeout = Milliseconds(20'000);
  REQUIRE(client.transport->set_options(options).has_value());
  CHECK(why_not(client) == Errc::unavailable);
  // The one that ran when the time was up, and the last.
  CHECK(slow.begun == 2);
  slow_lookups = nullptr;
}
