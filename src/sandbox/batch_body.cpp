#include "src/sandbox/batch_body.hpp"

#include <algorithm>

namespace usherd::sandbox {

Result<simdjson::dom::element> BodyParser::parse(std::string& body) {
  constexpr std::size_t kUsual = 16ULL << 20;
  if (largest_ > kUsual) {
    parser_ = simdjson::dom::parser();
    largest_ = 0;
  }
  largest_ = std::max(largest_, body.size());
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  simdjson::dom::element document;
  if (parser_.parse(body.data(), body.size(), false).get(document) != simdjson::SUCCESS)
    return Error{Errc::invalid, "the request body is not valid JSON"};
  return document;
}

Result<simdjson::dom::array> requests_of(simdjson::dom::element body) {
  simdjson::dom::element requests;
  if (!body.is_object())
    return Error{Errc::invalid, "the request body is not a JSON object"};
  if (body["requests"].get(requests) != simdjson::SUCCESS)
    return Error{Errc::not_found, "requests is required"};
  simdjson::dom::array array;
  if (requests.get(array) != simdjson::SUCCESS)
    return Error{Errc::invalid, "requests must be an array"};
  return array;
}

}  // namespace usherd::sandbox
