#include "usherd/submit/no_answer.hpp"

#include "usherd/core/text.hpp"
#include "usherd/submit/api_answer.hpp"

#include <fmt/format.h>

#include <string_view>

namespace usherd {
namespace {

/// Why a 200, or another 2xx to a create, is none of the API's. A page of results may be large, and is read
/// by who asked for it: what it begins with tells.
std::optional<std::string> why_not_read(Call call, std::string_view body) {
  if (call == Call::create || call == Call::status) {
    const auto job = call == Call::create ? parse_created_job(body) : parse_job_answer(body);
    return job ? std::nullopt : std::optional(job.error().message);
  }
  const auto first = body.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && body[first] == '{')
    return std::nullopt;
  return "the answer is no JSON object";
}

/// What parks, waits or divides is told by itself.
bool has_a_meaning(unsigned status) {
  return status / 100 == 3 || status == 401 || status == 403 || status == 404 || status == 413 ||
         status == 429;
}

}  // namespace

std::optional<std::string> why_no_answer(Call call, const Exchange& exchange) {
  if (exchange.failure)
    return printable(exchange.failure->message, 200);
  const auto status = exchange.status;
  if (status == 200 || (status / 100 == 2 && call == Call::create)) {
    const auto why = why_not_read(call, exchange.body);
    return why ? std::optional(fmt::format("it answers {}, but not as the API does: {}", status, *why))
               : std::nullopt;
  }
  if (has_a_meaning(status) || (status == 202 && (call == Call::errors || call == Call::imports)))
    return std::nullopt;
  if (status / 100 == 4 && parse_api_error(exchange.body))
    return std::nullopt;
  return fmt::format("it answers {}", status);
}

}  // namespace usherd
