#include "usherd/poll/result_page.hpp"
#include "usherd/submit/api_answer.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <string>

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

void check_page(std::string_view body) {
  const auto page = parse_result_page(std::string(body));
  if (!page)
    return;
  std::size_t items = 0;
  require(page->next_page_token.size() <= kMostTokenBytes, "an endless token");
  const auto check_item = [&items](const ResultItem& item) {
    ++items;
    require(item.code.size() <= kMostCodeBytes && item.message.size() <= kMostMessageBytes,
            "an endless text");
    require(!item.user_json.empty(), "an item without a user");
    return Result<void>();
  };
  require(page->each(check_item).has_value(), "an item that could not be taken");
  const auto value = fuzz::parse_strictly(body);
  const auto* root = object_of(value);
  const auto* results = root != nullptr ? root->if_contains("results") : nullptr;
  if (results != nullptr && results->is_array())
    require(items == results->get_array().size(), "an item of the page was passed over");
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
  require(!wait || (wait->count() >= 0 && *wait <= std::chrono::hours{24}), "a wait without bounds");
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
