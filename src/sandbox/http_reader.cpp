#include "src/sandbox/http_reader.hpp"

#include <simdjson.h>

namespace usherd::sandbox {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::size_t kPiece = 64UL * 1024;

}  // namespace

asio::awaitable<bool> HttpReader::fill(Milliseconds patience) {
  const auto space = buffer_.prepare(kPiece);
  const std::span<char> into(static_cast<char*>(space.data()), space.size());
  const std::size_t count = co_await channel_.read(into, patience);
  buffer_.commit(count);
  co_return count > 0;
}

asio::awaitable<ReadEnd> HttpReader::read_header(Milliseconds patience) {
  parser_.emplace();
  parser_->header_limit(std::uint32_t{64} << 10);
  // The limit is checked by hand, before the body's storage is made.
  parser_->body_limit(boost::none);
  boost::system::error_code failure;
  while (!parser_->is_header_done()) {
    if (buffer_.size() == 0 || failure == http::error::need_more) {
      if (!co_await fill(patience))
        co_return ReadEnd::closed;
    }
    failure = {};
    const std::size_t used = parser_->put(buffer_.data(), failure);
    buffer_.consume(used);
    if (failure && failure != http::error::need_more)
      co_return ReadEnd::bad;
  }
  co_return ReadEnd::whole;
}

asio::awaitable<ReadEnd> HttpReader::read_body(std::uint64_t most, std::uint64_t stop_at,
                                               Milliseconds patience) {
  const auto length = content_length();
  if (length && *length > most)
    co_return ReadEnd::too_large;
  std::string& body = parser_->get().body();
  if (length)
    body.reserve(*length + simdjson::SIMDJSON_PADDING);
  parser_->eager(true);
  boost::system::error_code failure;
  while (!parser_->is_done()) {
    if (body.size() > most)
      co_return ReadEnd::too_large;
    if (body.size() >= stop_at)
      co_return ReadEnd::stopped;
    if (buffer_.size() == 0 || failure == http::error::need_more) {
      if (!co_await fill(patience))
        co_return ReadEnd::closed;
    }
    failure = {};
    const std::size_t used = parser_->put(buffer_.data(), failure);
    buffer_.consume(used);
    if (failure && failure != http::error::need_more)
      co_return ReadEnd::bad;
  }
  co_return body.size() > most ? ReadEnd::too_large : ReadEnd::whole;
}

asio::awaitable<void> HttpReader::drain(std::uint64_t most, Milliseconds patience) {
  std::uint64_t drained = 0;
  while (drained < most) {
    buffer_.consume(buffer_.size());
    if (!co_await fill(patience))
      break;
    drained += buffer_.size();
  }
}

std::string_view HttpReader::method() const {
  const auto text = parser_->get().method_string();
  return std::string_view(text.data(), text.size());
}

std::string_view HttpReader::target() const {
  const auto text = parser_->get().target();
  return std::string_view(text.data(), text.size());
}

std::string_view HttpReader::header(std::string_view name) const {
  const auto text = parser_->get()[boost::beast::string_view(name.data(), name.size())];
  return std::string_view(text.data(), text.size());
}

std::optional<std::uint64_t> HttpReader::content_length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

}  // namespace usherd::sandbox
