#include "usherd/adapters/system_timers.hpp"

#include "tests/unit/adapters/run_loop.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <doctest/doctest.h>

using namespace usherd;
namespace asio = boost::asio;

TEST_CASE("A wait ends when it is due, and not before") {
  asio::io_context loop;
  SystemTimers timers(loop.get_executor());
  const std::unique_ptr<Alarm> alarm = timers.alarm();
  const BootTime due = timers.now().boot + std::chrono::milliseconds(20);
  CHECK(test::run(loop, alarm->wait_until(due)));
  CHECK(timers.now().boot >= due);
  CHECK(test::run(loop, alarm->wait_until(due)));
}

TEST_CASE("A ring ends a wait, and is kept when nobody waits") {
  asio::io_context loop;
  SystemTimers timers(loop.get_executor());
  const std::unique_ptr<Alarm> alarm = timers.alarm();
  asio::post(loop, [&] { alarm->ring(); });
  CHECK_FALSE(test::run(loop, alarm->wait_until(kNever)));
  alarm->ring();
  alarm->ring();
  CHECK(test::run(loop, alarm->wait_until(BootTime())));
  CHECK_FALSE(test::run(loop, alarm->wait_until(kNever)));
  asio::post(loop, [&] { alarm->ring(); });
  CHECK_FALSE(test::run(loop, alarm->wait_until(timers.now().boot + std::chrono::hours(1))));
}

TEST_CASE("A cancelled wait throws, and the alarm can be used again") {
  asio::io_context loop;
  SystemTimers timers(loop.get_executor());
  const std::unique_ptr<Alarm> alarm = timers.alarm();
  asio::cancellation_signal signal;
  bool threw = false;
  auto keep = [&](std::exception_ptr thrown, bool) {
    REQUIRE(thrown);
    CHECK_THROWS_AS(std::rethrow_exception(thrown), boost::system::system_error);
    threw = true;
  };
  asio::co_spawn(loop, alarm->wait_until(kNever), asio::bind_cancellation_slot(signal.slot(), keep));
  asio::post(loop, [&] { signal.emit(asio::cancellation_type::terminal); });
  loop.run();
  CHECK(threw);
  CHECK(test::run(loop, alarm->wait_until(timers.now().boot)));
}
