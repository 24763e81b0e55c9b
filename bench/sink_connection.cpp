#include "sink_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <stdexcept>

namespace {

int dial(const std::string& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    fail("cannot connect to port " + port);
  return socket;
}

}  // namespace

void fail(const std::string& what) {
  throw std::runtime_error(what);
}

Options Options::parse(std::string_view program, int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const bool named = word.starts_with("--");
    if (named && i + 1 == count)
      fail("a value is missing after " + std::string(word));
    if (word == "--threads")
      options.threads = static_cast<unsigned>(std::stoul(arguments[++i]));
    else if (word == "--port")
      options.port = arguments[++i];
    else if (word == "--ca")
      options.ca = arguments[++i];
    else if (word == "--key-file")
      std::getline(std::ifstream(arguments[++i]), options.key);
    else if (program == "duties" && word == "--bodies")
      options.read_bodies = std::string_view(arguments[++i]) == "read";
    else if (named)
      fail("unknown option " + std::string(word));
    else
      options.files.emplace_back(word);
  }
  if (options.port.empty() || options.ca.empty() || options.files.empty())
    fail("usage: " + std::string(program) + " [--threads N] --port P --ca FILE --key-file FILE FILE...");
  return options;
}

Context make_context(const Options& options) {
  Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context.get(), options.ca.c_str(), nullptr) != 1)
    fail("cannot read the certificates in " + options.ca);
  return context;
}

Connection::Connection(SSL_CTX* context, const std::string& port)
    : socket_(dial(port)), ssl_(SSL_new(context), SSL_free) {
  SSL_set_fd(ssl_.get(), socket_);
  SSL_set_tlsext_host_name(ssl_.get(), "localhost");
  SSL_set1_host(ssl_.get(), "localhost");
  if (SSL_connect(ssl_.get()) != 1)
    fail("the TLS handshake failed");
}

Connection::~Connection() {
  SSL_shutdown(ssl_.get());
  ::close(socket_);
}

void Connection::write(std::string_view bytes) {
  std::size_t written = 0;
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) != 1 || written != bytes.size())
    fail("the connection broke while a body was sent");
}

void Connection::write_head(std::string_view key, std::size_t length) {
  write("POST /v2/users/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + std::string(key) +
        "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n");
}

void Connection::expect_ok() {
  std::string answer;
  std::size_t end = std::string::npos;
  while ((end = answer.find("\r\n\r\n")) == std::string::npos)
    read_some(answer);
  if (!answer.starts_with("HTTP/1.1 200"))
    fail("the sink answered " + answer.substr(0, answer.find('\r')));
  const auto at = answer.find("Content-Length: ");
  if (at == std::string::npos || at > end)
    fail("the sink's answer has no length");
  const auto length = std::stoul(answer.substr(at + 16));
  while (answer.size() < end + 4 + length)
    read_some(answer);
}

void Connection::read_some(std::string& answer) {
  char bytes[4096];
  std::size_t got = 0;
  if (SSL_read_ex(ssl_.get(), bytes, sizeof(bytes), &got) != 1)
    fail("the connection broke before the answer came");
  answer.append(bytes, got);
}
