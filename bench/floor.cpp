#include "sink_connection.hpp"
#include "threads.hpp"

#include <simdjson.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

// What nobody can do with less: reads files of records, checks that each line is a JSON object with a uid,
// and POSTs a file as one batch over TLS. No order, no ledger, no retries, no polls, no receipts. It ends at
// the first fault.

namespace {

constexpr std::string_view kHead = "{\"requests\":[";
constexpr std::string_view kTail = "]}";
constexpr std::size_t kBlock = 256U << 10;

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
    connection_.write_head(key_, kHead.size() + size - 1 + kTail.size());
    connection_.write(kHead);
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
  Connection connection_;
  std::string key_;
  simdjson::dom::parser parser_;
  std::vector<char> buffer_;
  std::uint64_t records_ = 0;
};

std::uint64_t send_all(const Options& options) {
  const auto context = make_context(options);
  return on_threads(options.threads, options.files.size(), [&](const NextFile& next) {
    Sender sender(context.get(), options);
    while (const auto i = next())
      sender.send(options.files[*i]);
    return sender.records();
  });
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::printf("%llu\n",
                static_cast<unsigned long long>(send_all(Options::parse("floor", count, arguments))));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "floor: %s\n", error.what());
    return 1;
  }
  return 0;
}
