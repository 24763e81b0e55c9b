#include "tests/loopback/admin/bench.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using usherd::AdminLimits;
using usherd::AdminReply;
using usherd::AdminRequest;
using usherd::Router;
using usherd::tests::RawClient;
using usherd::tests::ServerBench;

boost::asio::awaitable<AdminReply> who(AdminRequest request) {
  co_return AdminReply::text(200, request.peer.local ? "uid " + std::to_string(request.peer.uid) + " pid " +
                                                           std::to_string(request.peer.pid)
                                                     : "nobody");
}

boost::asio::awaitable<AdminReply> echo(AdminRequest request) {
  co_return AdminReply::text(200, request.body);
}

void standard_routes(Router& router) {
  router.read("/who", who);
  router.read("/healthz", who);
  router.local("/secret", who);
  router.action("/echo", echo);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("the port reads, the socket reads and acts, and the kernel names the socket's peer") {
  ServerBench bench({}, standard_routes);
  const auto by_port = bench.get("/who");
  CHECK(by_port.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(has(by_port, "Content-Security-Policy: default-src 'none'"));
  CHECK(by_port.ends_with("\r\n\r\nnobody"));
  const auto me = "uid " + std::to_string(::getuid()) + " pid " + std::to_string(::getpid());
  CHECK(bench.get_local("/secret").ends_with("\r\n\r\n" + me));
  CHECK(bench.post_local("/echo", "do it").ends_with("\r\n\r\ndo it"));
}

TEST_CASE("nothing acts through the port, and what is for the socket is not read there") {
  ServerBench bench({}, standard_routes);
  CHECK(bench.get("/secret").starts_with("HTTP/1.1 403 "));
  RawClient client(bench.port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_all().starts_with("HTTP/1.1 403 "));
}

TEST_CASE("a page elsewhere that points its own name here reads nothing") {
  ServerBench bench({}, standard_routes);
  for (const auto* host : {"evil.example", "evil.example:9786", ""}) {
    const auto answer = bench.get("/who", host);
    CHECK(answer.starts_with("HTTP/1.1 421 "));
    CHECK_FALSE(has(answer, "nobody"));
  }
  CHECK(bench.get("/who", "status.example.com").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("a probe of HTTP/1.0 that knows no Host learns of the health, and of nothing else") {
  ServerBench bench({}, standard_routes);
  const auto status_of = [&bench](const std::string& request) {
    RawClient client(bench.port());
    client.send(request);
    return client.read_all().substr(0, 13);
  };
  CHECK(status_of("GET /healthz HTTP/1.0\r\n\r\n") == "HTTP/1.1 200 ");
  CHECK(status_of("HEAD /healthz HTTP/1.0\r\n\r\n") == "HTTP/1.1 200 ");
  CHECK(status_of("GET /who HTTP/1.0\r\n\r\n") == "HTTP/1.1 421 ");
  CHECK(status_of("GET /healthz HTTP/1.0\r\nHost:\r\n\r\n") == "HTTP/1.1 421 ");
  CHECK(status_of("GET /healthz HTTP/1.0\r\nHost: evil.example\r\n\r\n") == "HTTP/1.1 421 ");
  CHECK(status_of("GET /healthz HTTP/1.1\r\n\r\n") == "HTTP/1.1 421 ");
}

TEST_CASE("HEAD gives the headers alone") {
  ServerBench bench({}, standard_routes);
  RawClient client(bench.port());
  client.send("HEAD /who HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto answer = client.read_all();
  CHECK(has(answer, "Content-Length: 6\r\n"));
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("a client that never finishes its question is sent away, and others are served meanwhile") {
  AdminLimits limits;
  limits.request = 300ms;
  ServerBench bench(limits, standard_routes);
  RawClient silent(bench.port());
  RawClient slow(bench.socket_path());
  slow.send("GET /who HTTP/1.1\r\nX-Slow:");
  CHECK(bench.get("/who").starts_with("HTTP/1.1 200 "));
  CHECK(bench.get_local("/who").starts_with("HTTP/1.1 200 "));
  CHECK(silent.read_all().empty());
  CHECK(slow.read_all().empty());
}

TEST_CASE("a door full of silent clients still answers who asks, and its neighbour does not notice") {
  AdminLimits limits;
  limits.connections = 4;
  limits.request = 1h;
  ServerBench bench(limits, standard_routes);
  std::vector<RawClient> silent;
  for (int i = 0; i < 20; ++i)
    silent.emplace_back(bench.port());
  CHECK(bench.get("/who").starts_with("HTTP/1.1 200 "));
  CHECK(bench.get_local("/who").starts_with("HTTP/1.1 200 "));
  CHECK(bench.connections() <= 4);
  // The oldest had to go.
  CHECK(silent.front().read_all().empty());
}

TEST_CASE("a request that is too large or no request gets its answer, though it goes on sending") {
  ServerBench bench({}, standard_routes);
  RawClient large(bench.port());
  large.send("GET /who HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
  CHECK(large.read_all().starts_with("HTTP/1.1 431 "));
  RawClient body(bench.socket_path());
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n" +
            std::string(100'000, 'x'));
  CHECK(body.read_all().starts_with("HTTP/1.1 413 "));
  RawClient garbage(bench.port());
  garbage.send("\x16\x03\x01\x02 hello there");
  CHECK(garbage.read_all().starts_with("HTTP/1.1 400 "));
}

TEST_CASE("a body that comes to the port is refused before any of it is read") {
  AdminLimits limits;
  limits.request = 2s;
  ServerBench bench(limits, standard_routes);
  for (const std::string length : {"Content-Length: 1048576", "Content-Length: 1"}) {
    RawClient stranger(bench.port());
    stranger.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + length + "\r\n\r\n");
    CHECK(stranger.read_all().starts_with("HTTP/1.1 413 "));
  }
  RawClient chunked(bench.port());
  chunked.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  CHECK(chunked.read_all().starts_with("HTTP/1.1 413 "));
  RawClient bare(bench.port());
  bare.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  CHECK(bare.read_all().starts_with("HTTP/1.1 403 "));
}

/// Pieces of an answer without end, counted.
struct Endless {
  std::shared_ptr<int> pieces;
  static boost::asio::awaitable<std::string> piece(std::shared_ptr<int> pieces) {
    ++*pieces;
    co_return std::string(64 * 1024, 'x');
  }
  static boost::asio::awaitable<AdminReply> answer(std::shared_ptr<int> pieces) {
    AdminReply reply;
    reply.next = [pieces] { return piece(pieces); };
    co_return reply;
  }
};

TEST_CASE("who does not take an answer costs no more than what the socket holds, and is sent away") {
  AdminLimits limits;
  limits.reply = 300ms;
  const auto pieces = std::make_shared<int>(0);
  ServerBench bench(limits, [&](Router& router) {
    router.read("/endless", [pieces](AdminRequest) { return Endless::answer(pieces); });
    router.read("/who", who);
  });
  RawClient client(bench.port());
  client.send("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.read_some().starts_with("HTTP/1.1 200 "));
  // Ends because the server gives up, having made what fits into the socket's buffers.
  while (bench.connections() > 0)
    CHECK(bench.get("/who").starts_with("HTTP/1.1 200 "));
  CHECK(*pieces < 1000);
}

TEST_CASE("a door full of clients that take no answer still answers who asks") {
  AdminLimits limits;
  limits.connections = 4;
  const auto pieces = std::make_shared<int>(0);
  ServerBench bench(limits, [&](Router& router) {
    router.read("/endless", [pieces](AdminRequest) { return Endless::answer(pieces); });
    router.read("/who", who);
  });
  std::vector<RawClient> deaf;
  for (int i = 0; i < 4; ++i) {
    deaf.emplace_back(bench.port());
    deaf.back().send("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(deaf.back().read_some().starts_with("HTTP/1.1 200 "));
  }
  for (int i = 0; i < 3; ++i)
    CHECK(bench.get("/who").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("the bodies of all who ask at the socket share one bound, until each has its answer") {
  AdminLimits limits;
  limits.bodies = 100'000;
  const auto pieces = std::make_shared<int>(0);
  ServerBench bench(limits, [&](Router& router) {
    router.action("/endless", [pieces](AdminRequest) { return Endless::answer(pieces); });
    router.action("/echo", echo);
  });
  const std::string body(64'000, 'x');
  {
    RawClient slow(bench.socket_path());
    slow.send("POST /endless HTTP/1.1\r\nHost: x\r\nContent-Length: 64000\r\n\r\n" + body);
    REQUIRE(slow.read_some().starts_with("HTTP/1.1 200 "));
    CHECK(bench.post_local("/echo", body).starts_with("HTTP/1.1 503 "));
    CHECK(bench.post_local("/echo", "short").ends_with("\r\n\r\nshort"));
  }
  while (bench.connections() > 0)
    CHECK(bench.post_local("/echo", "short").ends_with("\r\n\r\nshort"));
  CHECK(bench.post_local("/echo", body).ends_with(body));
  CHECK(bench.post_local("/echo", body + body).starts_with("HTTP/1.1 503 "));
  CHECK(bench.post_local("/echo", body).ends_with(body));
}

boost::asio::awaitable<std::string> next_of(std::shared_ptr<std::vector<std::string>> rest) {
  std::string piece;
  if (!rest->empty()) {
    piece = rest->front();
    rest->erase(rest->begin());
  }
  co_return piece;
}

boost::asio::awaitable<AdminReply> three_pieces(AdminRequest) {
  const auto rest = std::make_shared<std::vector<std::string>>(std::vector<std::string>{"two", "three"});
  AdminReply reply;
  reply.body = "one";
  reply.next = [rest] { return next_of(rest); };
  co_return reply;
}

TEST_CASE("an answer in pieces comes in chunks with an end") {
  ServerBench bench({}, [](Router& router) { router.read("/pieces", three_pieces); });
  const auto answer = bench.get("/pieces");
  CHECK(has(answer, "Transfer-Encoding: chunked\r\n"));
  CHECK(answer.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"));
}

boost::asio::awaitable<std::string> break_off() {
  throw std::runtime_error("a bug");
  co_return "";
}

boost::asio::awaitable<AdminReply> half_an_answer(AdminRequest) {
  AdminReply reply;
  reply.body = "half";
  reply.next = break_off;
  co_return reply;
}

TEST_CASE("an answer that breaks off on our side ends its connection alone, without an end to its chunks") {
  ServerBench bench({}, [](Router& router) {
    router.read("/half", half_an_answer);
    router.read("/who", who);
  });
  CHECK(bench.get("/half").ends_with("4\r\nhalf\r\n"));
  CHECK(bench.get("/who").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("the socket is for its group alone, a stale one is replaced, a living one and a file are not") {
  ServerBench bench({}, standard_routes);
  struct stat status {};
  REQUIRE(::stat(bench.socket_path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0660);

  boost::asio::io_context loop;
  const auto log = usherd::make_silent_log();
  const Router router(*log);
  usherd::TaskGroup tasks(loop.get_executor());
  usherd::AdminServer other(loop.get_executor(), tasks, router, *log);
  const auto living = other.open_socket(bench.socket_path());
  REQUIRE_FALSE(living.has_value());
  CHECK(living.error().code == usherd::Errc::exists);
  CHECK(bench.get_local("/who").starts_with("HTTP/1.1 200 "));

  const auto file = bench.socket_path() + ".file";
  std::ofstream(file) << "somebody's";
  CHECK(other.open_socket(file).error().message ==
        "admin.socket " + file + " names a file: give it another path");
  CHECK(std::ifstream(file).good());
  const auto folder = bench.socket_path() + ".folder";
  REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
  CHECK(other.open_socket(folder).error().message ==
        "admin.socket " + folder + " names a directory: give it another path");
  REQUIRE(::rmdir(folder.c_str()) == 0);

  // What a killed process leaves: a socket that nobody answers on.
  const auto stale = bench.socket_path() + ".stale";
  {
    boost::asio::local::stream_protocol::acceptor left(loop,
                                                       boost::asio::local::stream_protocol::endpoint(stale));
  }
  CHECK(other.open_socket(stale).has_value());
  other.stop();
  CHECK(::stat(stale.c_str(), &status) != 0);
  tasks.cancel();
  loop.run();
}

}  // namespace
