#include "usherd/submit/api_answer.hpp"

#include "usherd/core/timestamp.hpp"
#include "usherd/submit/api_json.hpp"
#include "usherd/submit/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace usherd {
namespace {

using boost::json::object;

constexpr std::size_t kMostAnswerBytes = 1U << 20;
/// As deep as a page of results: what new members hold must not hide the others.
constexpr std::size_t kMostDepth = 1100;
constexpr std::size_t kMostMeBytes = 256;
constexpr std::size_t kMostLogCode = 64;
constexpr auto kMostRetryAfter = std::chrono::duration_cast<Milliseconds>(std::chrono::days{30});

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

/// An answer that is JSON but for a few characters is the API's all the same.
std::optional<boost::json::value> parse_answer(std::string_view body) {
  return parse_mended_json(body, kMostAnswerBytes, kMostDepth);
}

bool is_mended(std::string_view text) {
  return text.find(kHalfCharacter) != std::string_view::npos;
}

bool is_space(char c) {
  return c == ' ' || c == '\t';
}
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Count {
  bool given = false;
  std::optional<std::uint64_t> value;  ///< nothing when it is given and unreadable
};

std::optional<std::uint64_t> to_count(const boost::json::value& value) {
  constexpr double kExact = 9007199254740992.0;
  if (const auto* number = value.if_uint64())
    return *number;
  if (const auto* number = value.if_int64(); number != nullptr && *number >= 0)
    return static_cast<std::uint64_t>(*number);
  if (const auto* number = value.if_double();
      number != nullptr && *number >= 0 && *number <= kExact && std::floor(*number) == *number)
    return static_cast<std::uint64_t>(*number);
  if (const auto* text = value.if_string()) {
    std::uint64_t number = 0;
    const auto* end = text->data() + text->size();
    const auto [stop, failure] = std::from_chars(text->data(), end, number);
    if (failure == std::errc{} && stop == end)
      return number;
  }
  return std::nullopt;
}

Count read_count(const object& root, const object* job, std::string_view name) {
  const auto* value = find_member(&root, name);
  if (value == nullptr)
    value = find_member(job, name);
  if (value == nullptr)
    return {};
  return {true, to_count(*value)};
}

std::optional<std::string_view> read_string(const object& root, const object* job, std::string_view name) {
  const auto nested = find_string(job, name);
  return nested ? nested : find_string(&root, name);
}

std::optional<WallTime> read_time(const object& root, const object* job, std::string_view name) {
  const auto text = read_string(root, job, name);
  return text ? parse_rfc3339(*text) : std::nullopt;
}

void read_status(std::string_view word, JobAnswer& answer) {
  constexpr std::pair<std::string_view, JobStatus> kWords[] = {{"PROCESSING", JobStatus::processing},
                                                               {"COMPLETED", JobStatus::completed},
                                                               {"FAILED", JobStatus::failed}};
  for (const auto& [known, status] : kWords) {
    if (word == known) {
      answer.status = status;
      answer.status_known = true;
    }
  }
}

Result<std::string> read_id(std::string_view body) {
  auto id = find_opaque(find_member_text(body, "job"), "id");
  if (!id || id->empty())
    id = find_opaque(body, "id");
  if (!id)
    return std::string();
  if (id->size() > kMostJobIdBytes)
    return Error{Errc::invalid, "the job id has " + std::to_string(id->size()) + " bytes"};
  if (has_controls(*id))
    return Error{Errc::invalid, "the job id holds control characters"};
  if (is_mended(*id))
    return Error{Errc::invalid, "the job id holds half a character"};
  return std::move(*id);
}

Milliseconds capped(Milliseconds wait) {
  return std::clamp(wait, Milliseconds{0}, kMostRetryAfter);
}

/// digits[.digits] seconds.
std::optional<Milliseconds> read_seconds(std::string_view text) {
  const auto point = std::min(text.find('.'), text.size());
  const auto whole = text.substr(0, point);
  const bool has_fraction = point < text.size();
  const auto fraction = has_fraction ? text.substr(point + 1) : std::string_view();
  if (whole.empty() || (has_fraction && fraction.empty()) ||
      !std::all_of(whole.begin(), whole.end(), is_digit) ||
      !std::all_of(fraction.begin(), fraction.end(), is_digit))
    return std::nullopt;
  constexpr std::int64_t kMostSeconds = kMostRetryAfter / std::chrono::seconds{1};
  std::int64_t seconds = 0;
  // More digits than fit are longer than the cap.
  if (std::from_chars(whole.data(), whole.data() + whole.size(), seconds).ec != std::errc{} ||
      seconds > kMostSeconds)
    seconds = kMostSeconds;
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 3; ++i)
    ms = ms * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  if (fraction.size() > 3 && fraction.find_first_not_of('0', 3) != std::string_view::npos)
    ++ms;
  return capped(Milliseconds{seconds * 1000 + ms});
}

}  // namespace

Result<JobAnswer> parse_job_answer(std::string_view body) {
  const auto document = parse_answer(body);
  const auto* root = document ? document->if_object() : nullptr;
  if (root == nullptr)
    return Error{Errc::invalid, "the answer is no JSON object"};
  const auto* job = find_object(root, "job");
  JobAnswer answer;
  auto id = read_id(body);
  if (!id)
    return id.error();
  answer.id = std::move(*id);
  if (const auto word = read_string(*root, job, "status"))
    read_status(*word, answer);
  const auto imports = read_count(*root, job, "imports");
  answer.imports_given = imports.value.has_value();
  answer.imports = imports.value.value_or(0);
  const auto errors = read_count(*root, job, "errors");
  answer.errors = errors.value.value_or(errors.given ? kUnreadableCount : 0);
  answer.created = read_time(*root, job, "created");
  answer.finished = read_time(*root, job, "finished");
  return answer;
}

Result<JobAnswer> parse_created_job(std::string_view body) {
  auto answer = parse_job_answer(body);
  if (answer && answer->id.empty())
    return Error{Errc::invalid, "the answer names no job"};
  return answer;
}

std::optional<ApiError> parse_api_error(std::string_view body) {
  const auto document = parse_answer(body);
  const auto* root = document ? document->if_object() : nullptr;
  const auto code = find_string(root, "code");
  const auto message = find_string(root, "message");
  if (!code && !message)
    return std::nullopt;
  ApiError error;
  error.code = cut_text(code.value_or(""), kMostCodeBytes);
  error.message = cut_text(message.value_or(""), kMostMessageBytes);
  return error;
}

std::string log_code(std::string_view code) {
  std::string out;
  for (const char c : code) {
    if (out.size() == kMostLogCode)
      break;
    if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '.' || c == '-')
      out += c;
  }
  return out.empty() ? "other" : out;
}

Result<Me> parse_me(std::string_view body) {
  const auto document = parse_answer(body);
  const auto* root = document ? document->if_object() : nullptr;
  if (root == nullptr)
    return Error{Errc::invalid, "GET /me: the answer is no JSON object"};
  Me me;
  me.org_id = find_opaque(body, "orgId").value_or("");
  me.role = find_string(root, "role").value_or("");
  for (const auto& text : {me.org_id, me.role}) {
    if (text.size() > kMostMeBytes || has_controls(text) || is_mended(text))
      return Error{Errc::invalid, "GET /me: orgId or role is over-long or holds control characters"};
  }
  return me;
}

std::optional<Milliseconds> parse_retry_after(std::string_view value, std::string_view date_header,
                                              WallTime now) {
  // A proxy may write two headers as one list; a date has a comma of its own.
  const auto comma = std::min(value.find(','), value.size());
  if (const auto seconds = read_seconds(trimmed(value.substr(0, comma))))
    return seconds;
  const auto until = parse_http_date(trimmed(value.substr(0, value.find(',', comma + 1))));
  if (!until)
    return std::nullopt;
  return capped(*until - parse_http_date(date_header).value_or(now));
}

}  // namespace usherd
