#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// What the floor programs are told on their command line.
struct Options {
  unsigned threads = 1;
  std::string port;
  std::string ca;
  std::string key;
  bool read_bodies = false;  ///< asked for by `--bodies read`; only duties knows it
  std::vector<std::string> files;

  /// Throws std::runtime_error with the usage of `program` where something is missing or unknown.
  static Options parse(std::string_view program, int count, char** arguments);
};

[[noreturn]] void fail(const std::string& what);

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

[[nodiscard]] Context make_context(const Options& options);

/// One TLS connection to the sink, kept alive. Each fault is an exception.
class Connection {
 public:
  Connection(SSL_CTX* context, const std::string& port);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  void write(std::string_view bytes);
  /// The head of a POST of `length` bytes.
  void write_head(std::string_view key, std::size_t length);
  /// Reads one answer to its end.
  void expect_ok();

 private:
  void read_some(std::string& answer);

  int socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};
