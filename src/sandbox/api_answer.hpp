#pragma once

#include "src/sandbox/route.hpp"
#include "usherd/core/units.hpp"
#include "usherd/sandbox/fault.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd::sandbox {

/// A request to the API, read whole.
struct ApiRequest {
  Route route;
  Target target;
  std::string authorization;
  std::string idempotency_key;
  std::string body;
};

/// An answer, and what is to be done to it on its way out.
struct ApiAnswer {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  Milliseconds delay{0};             ///< sent so much later
  std::optional<FaultRule> arrival;  ///< set: not answered like this, but treated so
  std::optional<FaultRule> spoil;    ///< an answer fault
};

/// {"message","code"} with a status.
[[nodiscard]] ApiAnswer error_answer(unsigned status, std::string_view code, std::string_view message);

/// The code that documented statuses carry; "error" for the others.
[[nodiscard]] std::string_view usual_code(unsigned status);

/// What a `status` or `redirect` fault answers with.
[[nodiscard]] ApiAnswer fault_answer(const FaultRule& rule);

}  // namespace usherd::sandbox
