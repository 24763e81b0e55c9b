#include "src/sandbox/channel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>

namespace usherd::sandbox {
namespace {

namespace asio = boost::asio;
using asio::as_tuple;
using tcp = asio::ip::tcp;

constexpr auto kWritePatience = std::chrono::minutes(5);
constexpr auto kHandshakePatience = std::chrono::seconds(10);
constexpr auto kGoodbyePatience = std::chrono::seconds(1);

void set_options(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
}

void reset_socket(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

/// Stream is a tcp_stream, or a TLS stream over one.
template <class Stream>
asio::awaitable<std::size_t> read_from(Stream& stream, std::span<char> into, Milliseconds patience) {
  boost::beast::get_lowest_layer(stream).expires_after(patience);
  const auto [failure, count] =
      co_await stream.async_read_some(asio::buffer(into.data(), into.size()), as_tuple(asio::use_awaitable));
  co_return failure ? 0 : count;
}

template <class Stream>
asio::awaitable<bool> write_to(Stream& stream, std::string_view bytes) {
  boost::beast::get_lowest_layer(stream).expires_after(kWritePatience);
  const auto [failure, count] = co_await asio::async_write(stream, asio::buffer(bytes.data(), bytes.size()),
                                                           as_tuple(asio::use_awaitable));
  co_return !failure;
}

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(tcp::socket socket) : stream_(std::move(socket)) {}

  asio::awaitable<std::size_t> read(std::span<char> into, Milliseconds patience) override {
    return read_from(stream_, into, patience);
  }
  asio::awaitable<bool> write(std::string_view bytes) override { return write_to(stream_, bytes); }
  asio::awaitable<void> finish() override {
    boost::system::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    co_return;
  }
  void reset() override { reset_socket(stream_.socket()); }
  void close() override { stream_.close(); }

 private:
  boost::beast::tcp_stream stream_;
};

class TlsChannel final : public Channel {
 public:
  TlsChannel(tcp::socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  asio::awaitable<bool> handshake() {
    boost::beast::get_lowest_layer(stream_).expires_after(kHandshakePatience);
    const auto [failure] =
        co_await stream_.async_handshake(asio::ssl::stream_base::server, as_tuple(asio::use_awaitable));
    co_return !failure;
  }
  asio::awaitable<std::size_t> read(std::span<char> into, Milliseconds patience) override {
    return read_from(stream_, into, patience);
  }
  asio::awaitable<bool> write(std::string_view bytes) override { return write_to(stream_, bytes); }
  asio::awaitable<void> finish() override {
    boost::beast::get_lowest_layer(stream_).expires_after(kGoodbyePatience);
    co_await stream_.async_shutdown(as_tuple(asio::use_awaitable));
  }
  void reset() override { reset_socket(stream_.next_layer().socket()); }
  void close() override { stream_.next_layer().close(); }

 private:
  asio::ssl::stream<boost::beast::tcp_stream> stream_;
};

}  // namespace

std::unique_ptr<Channel> plain_channel(tcp::socket socket) {
  set_options(socket);
  return std::make_unique<PlainChannel>(std::move(socket));
}

asio::awaitable<std::unique_ptr<Channel>> tls_channel(tcp::socket socket, asio::ssl::context& context) {
  set_options(socket);
  auto channel = std::make_unique<TlsChannel>(std::move(socket), context);
  if (!co_await channel->handshake())
    co_return nullptr;
  co_return channel;
}

}  // namespace usherd::sandbox
