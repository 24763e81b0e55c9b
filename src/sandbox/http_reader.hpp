#pragma once

#include "src/sandbox/channel.hpp"
#include "usherd/core/units.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace usherd::sandbox {

enum class ReadEnd : std::uint8_t {
  whole,    ///< all of it is read
  stopped,  ///< as many bytes as were asked for are read
  too_large,
  bad,    ///< not HTTP
  closed  ///< the peer is gone, or silent for too long
};

/// Reads one request after the other from a channel, header and body apart, in bounded memory. The channel
/// must outlive it.
class HttpReader {
 public:
  explicit HttpReader(Channel& channel) : channel_(channel) {}

  /// whole, bad (also a header above 64 KiB) or closed.
  [[nodiscard]] boost::asio::awaitable<ReadEnd> read_header(Milliseconds patience);
  /// Reads until `stop_at` bytes of the body are there, or all of it. A body above `most` is too_large, by
  /// its declared length before a byte of it is read.
  [[nodiscard]] boost::asio::awaitable<ReadEnd> read_body(std::uint64_t most, std::uint64_t stop_at,
                                                          Milliseconds patience);
  /// Throws away what comes until the peer closes, is silent for `patience`, or `most` bytes have come.
  [[nodiscard]] boost::asio::awaitable<void> drain(std::uint64_t most, Milliseconds patience);

  [[nodiscard]] std::string_view method() const;
  [[nodiscard]] std::string_view target() const;
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] bool keep_alive() const { return parser_->get().keep_alive(); }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;
  [[nodiscard]] std::string take_body() { return std::move(parser_->get().body()); }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  [[nodiscard]] boost::asio::awaitable<bool> fill(Milliseconds patience);

  Channel& channel_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
};

}  // namespace usherd::sandbox
