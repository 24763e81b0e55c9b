#include "tests/loopback/transport/client.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::test;

namespace {

struct Row {
  std::string bytes;
  bool cut;  // closed without close_notify
  unsigned status;
  std::string body;    // or the end of the failure's message
  bool stays = false;  // the connection is kept
};

void play(const Row& row, bool slowly) {
  CAPTURE(row.bytes.substr(0, 60));
  CAPTURE(slowly);
  Server server(good_context(), [&](Peer& peer, unsigned) {
    peer.read_request();
    if (slowly) {
      peer.write_slowly(row.bytes);
    } else {
      peer.write(row.bytes);
    }
    if (row.cut) {
      peer.cut();
    } else if (row.stays) {
      peer.wait_for_close();
    }
  });
  Client client(Client::options(server.port()));
  Request request{Method::get, "/", {}, nullptr, 1000};
  const Exchange exchange = client.run(request);
  CHECK(exchange.failure.has_value() == (row.status == 0));
  CHECK(exchange.status == row.status);
  if (exchange.failure) {
    CHECK(exchange.failure->message.ends_with(row.body));
  } else {
    CHECK(exchange.body == row.body);
  }
  CHECK(client.connection->is_open() == row.stays);
  client.connection.reset();
}

}  // namespace

TEST_CASE("Answers of every framing are read, in one piece or byte by byte") {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Row rows[] = {
      {answer(200, "hello"), false, 200, "hello", true},
      {answer(202, ""), false, 202, "", true},
      {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true},
      {chunked + "3\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", false, 200, "hello", true},
      {"HTTP/1.1 503 Busy\r\n\r\nuntil close", false, 503, "until close"},
      {"HTTP/1.1 100 Continue\r\n\r\n" + answer(200, "hello"), false, 200, "hello", true},
      {answer(301, "", "Location: https://elsewhere/\r\n"), false, 301, "", true},
      {answer(200, std::string(1000, 'x')), false, 200, std::string(1000, 'x'), true},
  };
  for (const Row& row : rows) {
    play(row, false);
    play(row, true);
  }
}

TEST_CASE("Answers that are cut short, too large or no HTTP are failures") {
  const std::string big(1001, 'x');
  const Row rows[] = {
      {"", false, 0, "closed without an answer"},
      {"", true, 0, "unexpected eof while reading"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", false, 0, "closed in the middle of the answer"},
      {"HTTP/1.1 200 OK\r\n\r\nhello", true, 0, "unexpected eof while reading"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false, 0,
       "closed in the middle of the answer"},
      {answer(200, big), false, 0, "answer larger than 1000 bytes"},
      {"HTTP/1.1 200 OK\r\n\r\n" + big, false, 0, "answer larger than 1000 bytes"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(17000, 'x') + "\r\n\r\n", false, 0,
       "answer header larger than 16384 bytes"},
      {"SSH-2.0-OpenSSH_9.2\r\n", false, 0, "the answer is not HTTP: no status line"},
  };
  for (const Row& row : rows) {
    play(row, false);
  }
}
