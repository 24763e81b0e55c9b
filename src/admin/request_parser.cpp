#include "src/admin/request_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>

namespace usherd {

namespace http = boost::beast::http;

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool read_query(std::string_view query, AdminRequest& request) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty())
      continue;
    const auto equals = pair.find('=');
    std::string name;
    std::string value;
    if (!percent_decode(pair.substr(0, equals), true, name) ||
        !percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true, value))
      return false;
    // A repeated name could mean either value.
    if (!request.query.emplace(std::move(name), std::move(value)).second ||
        request.query.size() > RequestParser::kMostParameters)
      return false;
  }
  return true;
}

}  // namespace

struct RequestParser::Beast {
  http::request_parser<http::string_body> parser;
};

RequestParser::RequestParser(std::uint64_t most_body) : beast_(std::make_unique<Beast>()) {
  beast_->parser.header_limit(kMostHead);
  beast_->parser.body_limit(most_body);
  beast_->parser.eager(true);
}

RequestParser::~RequestParser() = default;

RequestParser::State RequestParser::put(std::string_view bytes) {
  pending_.append(bytes);
  auto& parser = beast_->parser;
  while (!pending_.empty() && !parser.is_done()) {
    boost::system::error_code failure;
    const auto used = parser.put(boost::asio::buffer(pending_), failure);
    pending_.erase(0, used);
    if (failure == http::error::header_limit)
      return State::head_too_large;
    if (failure == http::error::body_limit)
      return State::too_large;
    if (failure == http::error::need_more && pending_.size() > kMostHead)
      return parser.is_header_done() ? State::too_large : State::head_too_large;
    if (failure == http::error::need_more)
      return State::more;
    if (failure)
      return State::bad;
    if (used == 0)
      break;
  }
  return parser.is_done() ? finish() : State::more;
}

RequestParser::State RequestParser::finish() {
  auto& message = beast_->parser.get();
  // Who checks the one and who answers by the other would not see the same request (RFC 9112, 3.2).
  if (message.count(http::field::host) > 1)
    return State::bad;
  host_ = std::string(message[http::field::host]);
  is_old_and_hostless_ = message.version() == 10 && message.count(http::field::host) == 0;
  is_head_ = message.method() == http::verb::head;
  if (message.method() == http::verb::post)
    request_.method = AdminMethod::post;
  else if (message.method() != http::verb::get && !is_head_)
    return State::unknown;
  const std::string_view target(message.target().data(), message.target().size());
  const auto question = target.find('?');
  if (!target.starts_with('/') || !percent_decode(target.substr(0, question), false, request_.path))
    return State::bad;
  if (question != std::string_view::npos && !read_query(target.substr(question + 1), request_))
    return State::bad;
  request_.body = std::move(message.body());
  return State::done;
}

std::size_t RequestParser::body_bytes() const {
  return beast_->parser.get().body().size() + request_.body.size();
}

AdminRequest RequestParser::take() {
  return std::move(request_);
}

bool percent_decode(std::string_view text, bool plus, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus) {
      c = ' ';
    } else if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0')
      return false;
    out += c;
  }
  return true;
}

}  // namespace usherd
