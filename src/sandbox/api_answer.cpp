#include "src/sandbox/api_answer.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

namespace usherd::sandbox {

std::string_view usual_code(unsigned status) {
  switch (status) {
    case 400:
      return "invalid_argument";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "resource_not_found";
    case 409:
      return "conflict";
    case 413:
      return "payload_too_large";
    case 429:
      return "too_many_requests";
    case 500:
      return "server_error";
    default:
      return "error";
  }
}

ApiAnswer error_answer(unsigned status, std::string_view code, std::string_view message) {
  ApiAnswer answer;
  answer.status = status;
  answer.body = "{\"message\":";
  append_json_string(answer.body, message);
  answer.body += ",\"code\":";
  append_json_string(answer.body, code);
  answer.body += '}';
  return answer;
}

ApiAnswer fault_answer(const FaultRule& rule) {
  const bool redirects = rule.action == FaultAction::redirect;
  const unsigned status = redirects ? 302 : rule.code;
  ApiAnswer answer = error_answer(status, usual_code(status), "a fault of the sandbox");
  switch (rule.body) {
    case FaultBody::json:
    case FaultBody::truncated:
      break;
    case FaultBody::html:
      answer.content_type = "text/html";
      answer.body =
          fmt::format("<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n", status);
      break;
    case FaultBody::empty:
      answer.body.clear();
      break;
    case FaultBody::oversized: {
      constexpr std::uint64_t kMost = 1ULL << 30;
      const std::uint64_t bytes = rule.bytes == 0 ? 8ULL << 20 : std::min(rule.bytes, kMost);
      answer.body = "{\"message\":\"" + std::string(bytes, 'x') + "\",\"code\":\"server_error\"}";
      break;
    }
  }
  if (redirects)
    answer.headers.emplace_back("Location", rule.location.empty() ? "/elsewhere" : rule.location);
  if (!rule.retry_after.empty())
    answer.headers.emplace_back("Retry-After", rule.retry_after);
  if (rule.body == FaultBody::truncated) {
    answer.spoil = rule;
    answer.spoil->action = FaultAction::truncate;
  }
  return answer;
}

}  // namespace usherd::sandbox
