#include "usherd/admin/router.hpp"

#include "src/admin/reply_head.hpp"
#include "usherd/core/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <stdexcept>

namespace {

using usherd::AdminMethod;
using usherd::AdminReply;
using usherd::AdminRequest;
using usherd::Peer;

boost::asio::awaitable<AdminReply> say_hello(AdminRequest request) {
  co_return AdminReply::text(200, "hello " + std::string(request.value("name")));
}

boost::asio::awaitable<AdminReply> make_a_mistake(AdminRequest) {
  throw std::runtime_error("a bug");
  co_return AdminReply{};
}

struct Bench {
  Bench() : log("router", std::make_shared<spdlog::sinks::ostream_sink_st>(lines)), router(log) {
    router.read("/read", say_hello);
    router.local("/local", say_hello);
    router.action("/action", say_hello);
    router.read("/bug", make_a_mistake);
  }
  AdminReply ask(AdminMethod method, std::string path, bool local) {
    AdminRequest request;
    request.method = method;
    request.path = std::move(path);
    request.query.emplace("name", "you\n");
    request.peer = Peer{local, 1000, 42};
    boost::asio::io_context loop;
    AdminReply reply;
    auto work = router.answer(std::move(request));
    const auto ended = [&reply](const std::exception_ptr& error, AdminReply given) {
      REQUIRE_FALSE(error);
      reply = std::move(given);
    };
    boost::asio::co_spawn(loop, std::move(work), ended);
    loop.run();
    return reply;
  }

  std::ostringstream lines;
  usherd::Log log;
  usherd::Router router;
};

TEST_CASE("reading is open through both doors; actions and local reading only through the socket") {
  Bench bench;
  struct Row {
    AdminMethod method;
    const char* path;
    bool local;
    unsigned status;
  };
  const Row rows[] = {
      {AdminMethod::get, "/read", false, 200},    {AdminMethod::get, "/read", true, 200},
      {AdminMethod::get, "/local", false, 403},   {AdminMethod::get, "/local", true, 200},
      {AdminMethod::post, "/action", false, 403}, {AdminMethod::post, "/action", true, 200},
      {AdminMethod::get, "/action", true, 405},   {AdminMethod::post, "/read", true, 405},
      {AdminMethod::post, "/read", false, 405},   {AdminMethod::get, "/nothing", true, 404},
      {AdminMethod::get, "/read/", true, 404},
  };
  for (const auto& row : rows) {
    CAPTURE(row.path);
    CAPTURE(row.local);
    CHECK(bench.ask(row.method, row.path, row.local).status == row.status);
  }
}

TEST_CASE("who asks with the wrong method is told the right one") {
  Bench bench;
  const auto action = bench.ask(AdminMethod::get, "/action", true);
  CHECK(action.status == 405);
  CHECK(usherd::reply_head(action).find("\r\nAllow: POST\r\n") != std::string::npos);
  const auto page = bench.ask(AdminMethod::post, "/read", true);
  CHECK(page.status == 405);
  CHECK(usherd::reply_head(page).find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
  CHECK(usherd::reply_head(bench.ask(AdminMethod::get, "/read", true)).find("Allow:") == std::string::npos);
}

TEST_CASE("every action is logged with its peer, on one line whatever was sent") {
  Bench bench;
  CHECK(bench.ask(AdminMethod::post, "/action", true).body == "hello you\n");
  const auto logged = bench.lines.str();
  CHECK(logged.find("/action name=you\\x0a by uid 1000 pid 42") != std::string::npos);
}

TEST_CASE("a handler that throws is answered with 500 and named in the log") {
  Bench bench;
  CHECK(bench.ask(AdminMethod::get, "/bug", false).status == 500);
  CHECK(bench.lines.str().find("/bug: a bug") != std::string::npos);
}

}  // namespace
