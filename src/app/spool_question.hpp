#pragma once

#include "src/app/inquiry.hpp"
#include "usherd/app/admin_client.hpp"
#include "usherd/app/config.hpp"
#include "usherd/app/exit_code.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace usherd {

/// An answer, or why there is none and how that ends.
struct Answered {
  ExitCode exit = ExitCode::ok;
  std::string text;         ///< the JSON; with another exit than ok the message
  bool unanswered = false;  ///< a change that the service was asked for may have happened all the same
};

/// Asks a running service through its admin socket; where none runs, looks into the stopped spool itself, as
/// the user whom that belongs to. Blocking.
class SpoolQuestion {
 public:
  explicit SpoolQuestion(const Config& config) : config_(config) {}

  using Question = std::function<Result<std::string>(Inquiry&)>;
  /// A question that changes nothing.
  [[nodiscard]] Answered ask(std::string_view target, const Question& question) const;
  /// The same with a body, by POST.
  [[nodiscard]] Answered ask(std::string_view target, std::string_view body, const Question& question) const;
  /// One that does change something: it goes by POST, and offline under the spool's lock.
  [[nodiscard]] Answered change(std::string_view target, std::string_view body,
                                const Question& question) const;

 private:
  [[nodiscard]] Answered answered(const Result<AdminAnswer>& answer, bool changes,
                                  const Question& question) const;
  [[nodiscard]] Answered alone(const Error& unreachable, bool changes, const Question& question) const;

  const Config& config_;
};

}  // namespace usherd
