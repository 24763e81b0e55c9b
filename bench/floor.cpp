#include <openssl/err.h>
#include <openssl/ssl.h>
#include <simdjson.h>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// What nobody can do with less: reads files of records, checks that each line is a JSON object with a uid,
// and POSTs a file as one batch over TLS. No order, no ledger, no retries, no polls, no receipts. It ends at
// the first fault.

namespace {

constexpr std::string_view kHead = "{\"requests\":[";
constexpr std::string_view kTail = "]}";
constexpr std::size_t kBlock = 256U << 10;

struct Options {
  unsigned threads = 1;
  std::string port;
  std::string ca;
  std::string key;
  std::vector<std::string> files;
};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

Context make_context(const Options& options) {
  Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context.get(), options.ca.c_str(), nullptr) != 1)
    fail("cannot read the certificates in " + options.ca);
  return context;
}

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

/// One TLS connection to the sink, kept alive.
class Connection {
 public:
  Connection(SSL_CTX* context, const std::string& port)
      : socket_(dial(port)), ssl_(SSL_new(context), SSL_free) {
    SSL_set_fd(ssl_.get(), socket_);
    SSL_set_tlsext_host_name(ssl_.get(), "localhost");
    SSL_set1_host(ssl_.get(), "localhost");
    if (SSL_connect(ssl_.get()) != 1)
      fail("the TLS handshake failed");
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    SSL_shutdown(ssl_.get());
    ::close(socket_);
  }

  void write(std::string_view bytes) {
    std::size_t written = 0;
    if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) != 1 || written != bytes.size())
      fail("the connection broke while a body was sent");
  }

  /// Reads one answer to its end.
  void expect_ok() {
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

 private:
  void read_some(std::string& answer) {
    char bytes[4096];
    std::size_t got = 0;
    if (SSL_read_ex(ssl_.get(), bytes, sizeof(bytes), &got) != 1)
      fail("the connection broke before the answer came");
    answer.append(bytes, got);
  }

  int socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

/// Checks the whole lines at the head of `block` and turns their newlines into commas; gives their bytes.
std::size_t check_lines(simdjson::dom::parser& parser, char* block, std::size_t size,
                        std::uint64_t& records) {
  std::size_t at = 0;
  while (at < size) {
    auto* newline = static_cast<char*>(std::memchr(block + at, '\n', size - at));
    if (newline == nullptr)
      break;
    const auto length = static_cast<std::size_t>(newline - block) - at;
    std::string_view uid;
    if (parser.parse(block + at, length, false)["uid"].get(uid) != simdjson::SUCCESS || uid.empty())
      fail("a line is not a record with a uid");
    *newline = ',';
    at += length + 1;
    ++records;
  }
  return at;
}

/// Sends files as long as there are any.
class Sender {
 public:
  Sender(SSL_CTX* context, const Options& options)
      : connection_(context, options.port), key_(options.key), buffer_(kBlock + simdjson::SIMDJSON_PADDING) {}

  void send(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts {};
    if (file < 0 || ::fstat(file, &facts) != 0)
      fail("cannot read " + path);
    const auto size = static_cast<std::size_t>(facts.st_size);
    // The last newline makes no comma.
    send_head(kHead.size() + size - 1 + kTail.size());
    std::size_t left = size;
    std::size_t kept = 0;
    while (left > 0) {
      const auto got = ::read(file, buffer_.data() + kept, std::min(left, kBlock - kept));
      if (got <= 0)
        fail("cannot read " + path);
      left -= static_cast<std::size_t>(got);
      const auto have = kept + static_cast<std::size_t>(got);
      const auto whole = check_lines(parser_, buffer_.data(), have, records_);
      if (whole == 0 || (left == 0 && whole != have))
        fail(path + " holds a line that is too long, or its last line has no end");
      connection_.write({buffer_.data(), left == 0 ? whole - 1 : whole});
      kept = have - whole;
      std::memmove(buffer_.data(), buffer_.data() + whole, kept);
    }
    ::close(file);
    connection_.write(kTail);
    connection_.expect_ok();
  }

  [[nodiscard]] std::uint64_t records() const { return records_; }

 private:
  void send_head(std::size_t length) {
    connection_.write("POST /v2/users/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + key_ +
                      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(length) +
                      "\r\n\r\n" + std::string(kHead));
  }

  Connection connection_;
  std::string key_;
  simdjson::dom::parser parser_;
  std::vector<char> buffer_;
  std::uint64_t records_ = 0;
};

Options parse(int count, char** arguments) {
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
    else if (named)
      fail("unknown option " + std::string(word));
    else
      options.files.emplace_back(word);
  }
  if (options.port.empty() || options.ca.empty() || options.files.empty())
    fail("usage: floor [--threads N] --port P --ca FILE --key-file FILE FILE...");
  return options;
}

std::uint64_t send_all(const Options& options) {
  const auto context = make_context(options);
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> records{0};
  std::atomic<bool> failed{false};
  const auto work = [&] {
    try {
      Sender sender(context.get(), options);
      for (auto i = next++; i < options.files.size(); i = next++)
        sender.send(options.files[i]);
      records += sender.records();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "floor: %s\n", error.what());
      failed = true;
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.threads; ++i)
    threads.emplace_back(work);
  work();
  for (auto& thread : threads)
    thread.join();
  if (failed)
    fail("not everything was sent");
  return records;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::printf("%llu\n", static_cast<unsigned long long>(send_all(parse(count, arguments))));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "floor: %s\n", error.what());
    return 1;
  }
  return 0;
}
