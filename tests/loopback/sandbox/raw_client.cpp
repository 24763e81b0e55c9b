#include "tests/loopback/sandbox/raw_client.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/parse.hpp>

#include <iterator>

namespace usherd::sandbox {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

template <class Stream>
RawAnswer receive_from(Stream& stream, std::string& rest) {
  boost::beast::flat_buffer buffer;
  const auto space = buffer.prepare(rest.size());
  asio::buffer_copy(space, asio::buffer(rest));
  buffer.commit(rest.size());
  http::response_parser<http::string_body> parser;
  parser.body_limit(64ULL << 20);
  boost::system::error_code failure;
  http::read(stream, buffer, parser, failure);
  rest = boost::beast::buffers_to_string(buffer.data());
  RawAnswer answer;
  if (failure) {
    answer.failure = failure.message();
    return answer;
  }
  answer.status = parser.get().result_int();
  for (const auto& field : parser.get())
    answer.headers.emplace(field.name_string(), field.value());
  answer.body = parser.get().body();
  return answer;
}

}  // namespace

boost::json::value RawAnswer::json() const {
  return boost::json::parse(body);
}

RawClient::RawClient(std::uint16_t port, const std::string& ca_file) {
  boost::system::error_code failure;
  Plain socket(context_);
  socket.connect({asio::ip::address_v4::loopback(), port}, failure);
  if (!failure && ca_file.empty()) {
    plain_ = std::make_unique<Plain>(std::move(socket));
  } else if (!failure) {
    tls_context_.load_verify_file(ca_file);
    tls_context_.set_verify_mode(asio::ssl::verify_peer);
    tls_ = std::make_unique<Tls>(std::move(socket), tls_context_);
    tls_->set_verify_callback(asio::ssl::host_name_verification("localhost"));
    tls_->handshake(asio::ssl::stream_base::client, failure);
  }
  if (failure)
    failure_ = failure.message();
}

RawClient::~RawClient() = default;

bool RawClient::send(std::string_view bytes) {
  boost::system::error_code failure;
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    asio::write(*tls_, buffer, failure);
  } else {
    asio::write(*plain_, buffer, failure);
  }
  return !failure;
}

RawAnswer RawClient::receive() {
  return tls_ ? receive_from(*tls_, rest_) : receive_from(*plain_, rest_);
}

RawAnswer RawClient::exchange(std::string_view method, std::string_view target, const Headers& headers,
                              std::string_view body) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n", method, target);
  for (const auto& [name, value] : headers)
    fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
  if (!body.empty())
    fmt::format_to(std::back_inserter(text), "Content-Length: {}\r\n", body.size());
  text += "\r\n";
  text += body;
  // A server may answer, and close, before it took the whole body: what it said is read all the same.
  (void)send(text);
  return receive();
}

}  // namespace usherd::sandbox
