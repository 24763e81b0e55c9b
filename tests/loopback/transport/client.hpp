#pragma once

#include "tests/loopback/transport/certificates.hpp"
#include "tests/loopback/transport/server.hpp"
#include "usherd/adapters/https_transport.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace usherd::test {

/// The root that all tests of this program trust, and a server context for localhost and 127.0.0.1.
[[nodiscard]] const Authority& authority();
[[nodiscard]] SSL_CTX* good_context();

/// A body made of equal pieces of one letter.
class Letters final : public BodySource {
 public:
  explicit Letters(std::uint64_t length, std::size_t piece = 64 * 1024) : left_(length), length_(length) {
    piece_.assign(piece, 'b');
  }
  [[nodiscard]] std::uint64_t length() const override { return length_; }
  [[nodiscard]] boost::asio::awaitable<Result<std::span<const char>>> next() override;
  /// From this many bytes on, next() gives an error.
  void fail_at(std::uint64_t sent) { fail_at_ = sent; }
  void end_at(std::uint64_t sent) { end_at_ = sent; }
  [[nodiscard]] std::uint64_t given() const { return length_ - left_; }

 private:
  std::string piece_;
  std::uint64_t left_;
  std::uint64_t length_;
  std::uint64_t fail_at_ = UINT64_MAX;
  std::uint64_t end_at_ = UINT64_MAX;
};

/// A transport to one server with its event loop, short timeouts, and one connection.
class Client {
 public:
  explicit Client(HttpsOptions options);
  [[nodiscard]] static HttpsOptions options(std::uint16_t port, bool tls = true);

  Exchange get(std::string target = "/") { return run({Method::get, std::move(target), {}, nullptr}); }
  Exchange post(BodySource& body) { return run({Method::post, "/", {}, &body}); }
  Exchange run(Request request);

  boost::asio::io_context loop;
  std::unique_ptr<HttpsTransport> transport;
  std::unique_ptr<Connection> connection;
};

}  // namespace usherd::test
