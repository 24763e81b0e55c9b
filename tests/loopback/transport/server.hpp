#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace usherd::test {

/// The server's end of one connection, blocking. Every wait ends when the client closes.
class Peer {
 public:
  Peer(int descriptor, SSL_CTX* context);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  /// The TLS handshake stands, or there is no TLS.
  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }
  /// Header lines and, by Content-Length, the body; empty when the client closed before the end.
  std::string read_request();
  /// Up to and with the empty line.
  std::string read_head();
  std::string read_bytes(std::size_t count);
  /// False once the client is gone.
  bool write(std::string_view text);
  void write_slowly(std::string_view text);
  void wait_for_close();
  /// Closes without close_notify.
  void cut();
  /// Closes with a reset.
  void reset();

 private:
  long read_some(char* into, std::size_t size);

  int descriptor_;
  SSL* ssl_ = nullptr;
  bool open_ = true;
};

/// Accepts on a loopback port of its own and plays `script` with each connection, each in a thread.
class Server {
 public:
  using Script = std::function<void(Peer&, unsigned number)>;

  /// Without a context it speaks plain. `address` is "127.0.0.1" or "127.0.0.2"...
  Server(SSL_CTX* context, Script script, const char* address = "127.0.0.1", std::uint16_t port = 0);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] unsigned accepted() const { return accepted_; }

 private:
  void accept_all();

  SSL_CTX* context_;
  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> accepted_ = 0;
  std::vector<std::thread> peers_;
  std::thread thread_;
};

/// A complete answer with a body.
[[nodiscard]] std::string answer(unsigned status, std::string_view body, std::string_view headers = "");

/// A loopback port on which nobody listens.
[[nodiscard]] std::uint16_t free_port();

}  // namespace usherd::test
