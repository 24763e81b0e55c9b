#include "src/adapters/answer_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <string>

namespace usherd {

namespace http = boost::beast::http;
namespace asio = boost::asio;

namespace {

constexpr std::uint32_t kMostHeader = 16 * 1024;
constexpr std::size_t kMostValue = 256;
// What waits for its second half: a header, or the size line of a chunk.
constexpr std::size_t kMostPending = std::size_t{2} * kMostHeader;
constexpr unsigned kMostInterim = 20;
constexpr std::string_view kVersion = "HTTP/1.";
constexpr std::size_t kBeforeStatus = std::string_view("HTTP/1.1 ").size();
constexpr std::size_t kBehindStatus = std::string_view("HTTP/1.1 200").size();

Error garbage(std::string_view what) {
  return {Errc::invalid, fmt::format("the answer is not HTTP: {}", what)};
}

}  // namespace

struct AnswerParser::State {
  using Parser = http::response_parser<http::string_body>;

  State(std::uint64_t most, bool skip) : most_body(most), skip_body(skip) { restart(); }

  void restart() {
    parser.emplace();
    past_version = false;
    parser->header_limit(kMostHeader);
    parser->body_limit(most_body);
    parser->eager(true);
    parser->skip(skip_body);
  }

  Error explain(const boost::system::error_code& error) const {
    if (error == http::error::body_limit || error == http::error::buffer_overflow) {
      return {Errc::too_large, fmt::format("answer larger than {} bytes", most_body)};
    }
    if (error == http::error::header_limit) {
      return {Errc::invalid, fmt::format("answer header larger than {} bytes", kMostHeader)};
    }
    return garbage(error.message());
  }

  // Of a status line without a reason some leave out the space behind the code, which our parser wants.
  void mend_status_line() {
    if (!past_version && pending.size() > kBehindStatus && pending[kBehindStatus] == '\r')
      pending.insert(kBehindStatus, 1, ' ');
  }

  // 101 would hand the connection to another protocol, which nobody asked for: it is final.
  bool is_interim() const {
    return parser->is_header_done() && parser->get().result_int() / 100 == 1 &&
           parser->get().result() != http::status::switching_protocols;
  }

  std::string header(http::field name) const {
    const auto found = parser->get().find(name);
    return found == parser->get().end() ? std::string() : std::string(found->value().substr(0, kMostValue));
  }

  std::uint64_t most_body;
  bool skip_body;
  std::optional<Parser> parser;
  std::string pending;
  bool past_version = false;
  unsigned interims = 0;
  bool done = false;
};

AnswerParser::AnswerParser(std::uint64_t most_body) : state_(std::make_unique<State>(most_body, false)) {}

AnswerParser::AnswerParser(std::unique_ptr<State> state) : state_(std::move(state)) {}

AnswerParser::AnswerParser(AnswerParser&&) noexcept = default;

AnswerParser::~AnswerParser() = default;

AnswerParser AnswerParser::header_only() {
  return AnswerParser(std::make_unique<State>(std::numeric_limits<std::uint64_t>::max(), true));
}

Result<void> AnswerParser::feed(std::string_view bytes) {
  State& state = *state_;
  state.pending.append(bytes);
  while (!state.done && !state.pending.empty()) {
    // The parser looks at nothing before the header is whole; what speaks another protocol may never send an
    // end.
    const std::string_view begin = std::string_view(state.pending).substr(0, kVersion.size());
    if (!state.past_version && !kVersion.starts_with(begin)) {
      return garbage("no status line");
    }
    state.mend_status_line();
    boost::system::error_code error;
    const std::size_t used = state.parser->put(asio::buffer(state.pending), error);
    state.pending.erase(0, used);
    state.past_version |= used > 0;
    if (error == http::error::need_more) {
      return state.pending.size() > kMostPending ? Result<void>(garbage("endless line")) : Result<void>();
    }
    if (error) {
      return state.explain(error);
    }
    if (state.parser->is_done()) {
      state.done = !state.is_interim();
      if (!state.done) {
        if (++state.interims > kMostInterim) {
          return garbage("too many interim answers");
        }
        state.restart();
      }
    } else if (used == 0) {
      return {};
    }
  }
  return {};
}

Result<void> AnswerParser::finish() {
  State& state = *state_;
  if (state.done) {
    return {};
  }
  if (!started()) {
    return Error{Errc::unavailable, "closed without an answer"};
  }
  boost::system::error_code error;
  if (state.pending.empty()) {
    state.parser->put_eof(error);
  }
  if (error || !state.pending.empty() || !state.parser->is_done()) {
    return Error{Errc::unavailable, "closed in the middle of the answer"};
  }
  state.done = true;
  return {};
}

bool AnswerParser::started() const {
  return state_->parser->got_some() || !state_->pending.empty();
}

bool AnswerParser::is_final() const {
  // Of a header nothing is parsed before it is whole: half an interim one is told by its status.
  const std::string& pending = state_->pending;
  const bool may_be_interim = pending.size() <= kBeforeStatus || pending[kBeforeStatus] == '1';
  return state_->parser->is_header_done() || !may_be_interim;
}

bool AnswerParser::done() const {
  return state_->done;
}

bool AnswerParser::keeps_connection() const {
  return state_->done && state_->parser->keep_alive() && state_->pending.empty() &&
         state_->parser->get().result() != http::status::switching_protocols;
}

bool AnswerParser::has_more() const {
  return state_->done && !state_->pending.empty();
}

unsigned AnswerParser::status() const {
  return state_->parser->get().result_int();
}

void AnswerParser::move_to(Exchange& exchange) {
  State& state = *state_;
  exchange.status = state.parser->get().result_int();
  exchange.retry_after = state.header(http::field::retry_after);
  exchange.date = state.header(http::field::date);
  exchange.content_type = state.header(http::field::content_type);
  exchange.body = std::move(state.parser->get().body());
}

}  // namespace usherd
