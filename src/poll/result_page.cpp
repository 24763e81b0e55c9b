#include "usherd/poll/result_page.hpp"

#include "usherd/submit/api_answer.hpp"
#include "usherd/submit/api_json.hpp"
#include "usherd/submit/json_text.hpp"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace usherd {
namespace {

/// A record nests as deep as a property path of 512 characters has names; the page adds a few levels.
constexpr std::size_t kMostDepth = 1100;
constexpr std::uint64_t kMostBytesOfOne = 6;  // \u003c
/// What the API adds to a record: code and message, members that nobody knows yet.
constexpr std::uint64_t kAddedToRecord = 1024;

/// A member that is no object and no list, built by itself.
std::optional<boost::json::value> read_scalar(std::string_view text) {
  if (text.empty() || text.front() == '{' || text.front() == '[')
    return std::nullopt;
  return parse_json(text, text.size(), 1);
}

std::string read_text(std::string_view object, std::string_view name, std::size_t most) {
  const auto value = read_scalar(find_member_text(object, name));
  const auto* text = value ? value->if_string() : nullptr;
  return text == nullptr ? std::string() : std::string(cut_text(*text, most));
}

bool is_object(std::string_view body) {
  return is_whole_json(body, kMostDepth) && without_blanks(body).starts_with('{');
}

/// Half a character in a message, or a long exponent in a record that is shown, must not hide whom the page
/// names.
bool make_object(std::string& body, std::size_t most_bytes) {
  if (is_object(body))
    return true;
  auto mended = mended_json(body, most_bytes);
  if (!mended || !is_object(*mended))
    return false;
  body = std::move(*mended);
  return true;
}

ResultItem read_item(std::string_view text) {
  ResultItem item;
  item.user_json = "{}";
  if (!text.starts_with('{'))
    return item;
  item.code = read_text(text, "code", kMostCodeBytes);
  item.message = read_text(text, "message", kMostMessageBytes);
  const auto nested = find_member_text(text, "user");
  const auto user = nested.starts_with('{') ? nested : text;
  item.uid = find_opaque(user, "uid");
  item.id = find_opaque(user, "id");
  item.user_json = user;
  return item;
}

}  // namespace

std::size_t most_page_bytes(std::uint64_t body_bytes, std::uint64_t records) {
  return std::max<std::size_t>(kMostResultPageBytes, kMostBytesOfOne * body_bytes + kAddedToRecord * records);
}

Result<void> ResultPage::each(const std::function<Result<void>(const ResultItem&)>& take) const {
  ElementTexts results(std::string_view(body_).substr(results_at_, results_size_));
  while (const auto text = results.next()) {
    if (auto taken = take(read_item(*text)); !taken)
      return taken;
  }
  return {};
}

Result<ResultPage> parse_result_page(std::string body, std::size_t most_bytes) {
  if (body.size() > most_bytes || !make_object(body, most_bytes))
    return Error{Errc::invalid, "the page is no JSON object"};
  ResultPage page;
  auto token = find_opaque(body, "next_page_token");
  if (!token && !find_member_text(body, "next_page_token").empty())
    return Error{Errc::invalid, "the page token is no text"};
  page.next_page_token = std::move(token).value_or("");
  if (page.next_page_token.size() > kMostTokenBytes)
    return Error{Errc::invalid,
                 "the page token has " + std::to_string(page.next_page_token.size()) + " bytes"};
  const auto results = find_member_text(body, "results");
  if (results.empty())
    return page;
  if (!results.starts_with('['))
    return Error{Errc::invalid, "the page's results are no list"};
  page.results_at_ = static_cast<std::size_t>(results.data() - body.data());
  page.results_size_ = results.size();
  page.body_ = std::move(body);
  return page;
}

PageStep PageWalk::next(std::string_view token) {
  if (token.empty())
    return PageStep::done;
  if (seen_.size() + 1 >= kMostPages)
    return PageStep::too_many;
  const bool is_new = seen_.insert(XXH3_64bits(token.data(), token.size())).second;
  return is_new ? PageStep::fetch : PageStep::repeated;
}

}  // namespace usherd
