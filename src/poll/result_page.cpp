#include "usherd/poll/result_page.hpp"

#include "usherd/submit/api_answer.hpp"
#include "usherd/submit/api_json.hpp"

#include <boost/json/serialize.hpp>

#include <xxhash.h>

namespace usherd {
namespace {

/// A record nests as deep as a property path of 512 characters has names; the page adds a few levels.
constexpr std::size_t kMostDepth = 1100;

ResultItem read_item(const boost::json::value& value) {
  ResultItem item;
  item.user_json = "{}";
  const auto* outer = value.if_object();
  if (outer == nullptr)
    return item;
  item.code = cut_text(find_string(outer, "code").value_or(""), kMostCodeBytes);
  item.message = cut_text(find_string(outer, "message").value_or(""), kMostMessageBytes);
  const auto* nested = find_object(outer, "user");
  const auto* user = nested == nullptr ? outer : nested;
  item.uid = find_opaque(user, "uid");
  item.id = find_opaque(user, "id");
  item.user_json = boost::json::serialize(*user);
  return item;
}

}  // namespace

Result<ResultPage> parse_result_page(std::string_view body) {
  const auto document = parse_json(body, kMostResultPageBytes, kMostDepth);
  const auto* root = document ? document->if_object() : nullptr;
  if (root == nullptr)
    return Error{Errc::invalid, "the page is no JSON object"};
  ResultPage page;
  auto token = find_opaque(root, "next_page_token");
  if (!token && find_member(root, "next_page_token") != nullptr)
    return Error{Errc::invalid, "the page token is no text"};
  page.next_page_token = std::move(token).value_or("");
  if (page.next_page_token.size() > kMostTokenBytes)
    return Error{Errc::invalid,
                 "the page token has " + std::to_string(page.next_page_token.size()) + " bytes"};
  const auto* results = find_member(root, "results");
  if (results == nullptr)
    return page;
  const auto* list = results->if_array();
  if (list == nullptr)
    return Error{Errc::invalid, "the page's results are no list"};
  page.items.reserve(list->size());
  for (const auto& value : *list)
    page.items.push_back(read_item(value));
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
