#include "src/app/trace_command.hpp"

#include "src/app/spool_question.hpp"
#include "src/app/status_values.hpp"
#include "src/app/trace_text.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>

namespace usherd {
namespace {

/// Of one user, printed. `named`: it is not the only one.
ExitCode trace_one(const SpoolQuestion& spool, const std::string& user, bool json, bool named) {
  const auto answer = spool.ask("/api/trace?user=" + percent_encode(user),
                                [&](Inquiry& inquiry) { return inquiry.trace(user); });
  if (answer.exit != ExitCode::ok) {
    fmt::print(stderr, "usherd: {}\n", answer.text);
    return answer.exit;
  }
  const auto parsed = Answer::parse(answer.text);
  const auto text = trace_text(answer.text);
  if (!parsed || !text) {
    fmt::print(stderr, "usherd: {}\n", parsed ? text.error().message : parsed.error().message);
    return ExitCode::failure;
  }
  if (json)
    fmt::print("{}", answer.text);
  else if (named)
    fmt::print("{}:\n{}", printable(user), *text);
  else
    fmt::print("{}", *text);
  for (const auto& name : parsed->values().texts("unsearched"))
    fmt::print(stderr, "usherd: {} was not looked into to its end: it is large, or being converted\n", name);
  if (!parsed->values().list("updates").empty())
    return ExitCode::ok;
  fmt::print(stderr,
             "usherd: no update of {} is known: it was never accepted, or is longer ago than "
             "spool.keep_done\n",
             printable(user));
  return ExitCode::failure;
}

}  // namespace

ExitCode run_trace(const Config& config, const TraceArguments& arguments) {
  const SpoolQuestion spool(config);
  if (arguments.user != "-")
    return trace_one(spool, arguments.user, arguments.json, false);
  auto worst = ExitCode::ok;
  for (std::string user; std::getline(std::cin, user);) {
    if (user.ends_with('\r'))
      user.pop_back();
    if (user.empty())
      continue;
    const auto exit = trace_one(spool, user, arguments.json, true);
    if (exit == ExitCode::unavailable)
      return exit;
    worst = std::max(worst, exit);
  }
  return worst;
}

}  // namespace usherd
