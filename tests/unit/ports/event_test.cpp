#include "usherd/ports/event.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <doctest/doctest.h>

#include <exception>
#include <string>
#include <vector>

using namespace usherd;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> wait(Event& event, int name, std::vector<int>& woken) {
  co_await event.wait();
  woken.push_back(name);
}

asio::awaitable<void> wait_for_flag(Event& event, const bool& flag, int& looks) {
  while (!flag) {
    ++looks;
    co_await event.wait();
  }
}

void rethrow(std::exception_ptr thrown) {
  if (thrown) {
    std::rethrow_exception(thrown);
  }
}

}  // namespace

TEST_CASE("An event wakes all that wait now and none that come later") {
  asio::io_context loop;
  Event event(loop.get_executor());
  std::vector<int> woken;
  asio::co_spawn(loop, wait(event, 1, woken), rethrow);
  asio::co_spawn(loop, wait(event, 2, woken), rethrow);
  loop.poll();
  CHECK(woken.empty());
  event.notify();
  asio::co_spawn(loop, wait(event, 3, woken), rethrow);
  loop.poll();
  CHECK(woken == std::vector<int>{1, 2});
  event.notify();
  loop.poll();
  CHECK(woken == std::vector<int>{1, 2, 3});
}

TEST_CASE("Who waits looks at its condition again, and may wait again") {
  asio::io_context loop;
  Event event(loop.get_executor());
  bool flag = false;
  int looks = 0;
  asio::co_spawn(loop, wait_for_flag(event, flag, looks), rethrow);
  for (int i = 1; i <= 3; ++i) {
    loop.poll();
    CHECK(looks == i);
    event.notify();
  }
  flag = true;
  loop.restart();
  loop.run();
  CHECK(looks == 3);
}

TEST_CASE("A cancelled waiter is told so, the others go on waiting") {
  asio::io_context loop;
  Event event(loop.get_executor());
  asio::cancellation_signal stop;
  std::vector<int> woken;
  std::exception_ptr thrown;
  auto keep = [&](std::exception_ptr failure) { thrown = failure; };
  asio::co_spawn(loop, wait(event, 1, woken), asio::bind_cancellation_slot(stop.slot(), keep));
  asio::co_spawn(loop, wait(event, 2, woken), rethrow);
  loop.poll();
  SUBCASE("before it is notified") {
    stop.emit(asio::cancellation_type::terminal);
  }
  SUBCASE("in the same turn as it is notified") {
    asio::post(loop, [&] {
      event.notify();
      stop.emit(asio::cancellation_type::terminal);
    });
  }
  loop.poll();
  REQUIRE(thrown);
  CHECK_THROWS_AS(std::rethrow_exception(thrown), boost::system::system_error);
  event.notify();
  loop.poll();
  CHECK(woken == std::vector<int>{2});
}
