#include "usherd/poll/result_page.hpp"
#include "usherd/submit/api_answer.hpp"
#include "usherd/submit/api_json.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace usherd;
using usherd::fuzz::require;

namespace {

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
  });
}

const boost::json::object* object_of(const std::optional<boost::json::value>& value) {
  return value ? value->if_object() : nullptr;
}

void check_job(std::string_view body) {
  const auto job = parse_job_answer(body);
  const auto created = parse_created_job(body);
  require(!created || (job && !created->id.empty() && created->id == job->id), "a job made of nothing");
  if (!job)
    return;
  require(job->id.size() <= kMostJobIdBytes && !has_controls(job->id), "an id that cannot go into a request");
  require(job->status_known || job->status == JobStatus::processing, "an unknown word ended a job");
  require(job->imports_given || job->imports == 0, "a count that was not given");
  // A second parser must see the same id, in either of the two places the API's pages show.
  const auto value = fuzz::parse_strictly(body);
  const auto* root = object_of(value);
  if (root == nullptr)
    return;
  const auto* nested = root->if_contains("job");
  const auto* id =
      nested != nullptr && nested->is_object() ? nested->get_object().if_contains("id") : nullptr;
  // An empty text is what proto3 JSON leaves out: not given.
  if (id != nullptr && id->is_string() && !id->get_string().empty())
    require(std::string_view(id->get_string()) == job->id, "another id than the answer's");
}

void check_error(std::string_view body) {
  const auto error = parse_api_error(body);
  if (!error)
    return;
  require(error->code.size() <= kMostCodeBytes && error->message.size() <= kMostMessageBytes,
          "an endless text");
  const auto code = log_code(error->code);
  require(!code.empty() && code.size() <= 64, "a code without bounds in the log");
  require(std::all_of(code.begin(), code.end(),
                      [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
                               c == '-';
                      }),
          "a code that is not fit for a label");
}

/// Boost.JSON reads a fraction to another last bit where the text goes on behind it than where it ends.
void drop_fractions(boost::json::value& value) {
  if (value.is_double())
    value = 0;
  if (auto* object = value.if_object()) {
    for (auto& member : *object)
      drop_fractions(member.value());
  }
  if (auto* array = value.if_array()) {
    for (auto& element : *array)
      drop_fractions(element);
  }
}

/// Whether a second parser sees the same id or token, or neither sees one.
bool is_same_name(const boost::json::object* built, std::string_view member,
                  const std::optional<std::string>& name) {
  const auto* value = find_member(built, member);
  const bool is_number = value != nullptr && value->is_number();
  if (is_number && name && !value->is_double())
    return fuzz::parse_strictly(*name) == *value;
  return is_number ? name.has_value() : name == find_string(built, member);
}

/// What a document that was built says of an item, to be held against what was read where it stands.
void check_item_against(const boost::json::value& built, const ResultItem& item) {
  const auto* object = built.if_object();
  const auto* nested = find_object(object, "user");
  const auto* user = nested != nullptr ? nested : object;
  require(item.code == cut_text(find_string(object, "code").value_or(""), kMostCodeBytes), "another code");
  require(item.message == cut_text(find_string(object, "message").value_or(""), kMostMessageBytes),
          "another message");
  require(is_same_name(user, "uid", item.uid) && is_same_name(user, "id", item.id), "another user");
  auto again = fuzz::parse_strictly(item.user_json);
  require(again && again->is_object(), "a user that is no JSON object");
  boost::json::value expected = user != nullptr ? *user : boost::json::object();
  drop_fractions(*again);
  drop_fractions(expected);
  require(*again == expected, "another user's JSON");
}

void check_page_against(const boost::json::object& built, const ResultPage& page,
                        const std::vector<ResultItem>& items) {
  const auto* token = find_member(&built, "next_page_token");
  require(token == nullptr ? page.next_page_token.empty()
                           : is_same_name(&built, "next_page_token", page.next_page_token),
          "another token");
  const auto* results = find_member(&built, "results");
  require(items.size() == (results == nullptr ? 0 : results->as_array().size()),
          "an item of the page was passed over");
  for (std::size_t i = 0; i < items.size(); ++i)
    check_item_against(results->as_array()[i], items[i]);
}

void check_page(std::string_view body) {
  const auto page = parse_result_page(std::string(body));
  if (!page)
    return;
  std::vector<ResultItem> items;
  require(page->next_page_token.size() <= kMostTokenBytes, "an endless token");
  const auto check_item = [&items](const ResultItem& item) {
    items.push_back(item);
    require(item.code.size() <= kMostCodeBytes && item.message.size() <= kMostMessageBytes,
            "an endless text");
    require(!item.user_json.empty(), "an item without a user");
    return Result<void>();
  };
  require(page->each(check_item).has_value(), "an item that could not be taken");
  const auto value = fuzz::parse_strictly(body);
  if (const auto* root = object_of(value))
    check_page_against(*root, *page, items);
  PageWalk walk;
  if (!page->next_page_token.empty()) {
    require(walk.next(page->next_page_token) == PageStep::fetch, "a first token is not followed");
    require(walk.next(page->next_page_token) == PageStep::repeated, "a walk in a circle");
  }
}

void check_me(std::string_view body) {
  const auto me = parse_me(body);
  require(!me || (me->org_id.size() <= 256 && me->role.size() <= 256 && !has_controls(me->org_id) &&
                  !has_controls(me->role)),
          "a text that does not belong in a log");
}

/// The first line as Retry-After, the second as the answer's Date.
void check_retry_after(std::string_view text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto date = text.substr(std::min(end + 1, text.size()));
  const auto wait = parse_retry_after(text.substr(0, end), date, WallTime{Milliseconds{1'764'000'000'000}});
  require(!wait || (wait->count() >= 0 && *wait <= std::chrono::days{30}), "a wait without bounds");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check_job(body);
  check_error(body);
  check_page(body);
  check_me(body);
  check_retry_after(body);
  return 0;
}
