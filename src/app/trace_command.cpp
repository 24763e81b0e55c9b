#include "src/app/trace_command.hpp"

#include "src/app/spool_question.hpp"
#include "src/app/standard_output.hpp"
#include "src/app/status_values.hpp"
#include "src/app/trace_text.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd {
namespace {

/// Users asked for together: spool and ledger are looked through once for all of them.
constexpr std::size_t kMostUsers = 1000;
constexpr std::size_t kMostNameBytes = std::size_t{256} << 10;

/// Users from standard input, one a line.
class UserGroups {
 public:
  /// The next ones, none twice; none at the end. Who types wants an answer after each.
  std::vector<std::string> next() {
    const auto most = ::isatty(STDIN_FILENO) != 0 ? 1 : kMostUsers;
    std::vector<std::string> users;
    std::set<std::string> distinct;
    std::size_t bytes = 0;
    while (users.size() < most && bytes < kMostNameBytes && (!waiting_.empty() || read())) {
      if (!distinct.insert(waiting_).second)
        break;
      bytes += waiting_.size();
      users.push_back(std::exchange(waiting_, {}));
    }
    return users;
  }

 private:
  bool read() {
    while (waiting_.empty() && std::getline(std::cin, waiting_)) {
      if (waiting_.ends_with('\r'))
        waiting_.pop_back();
    }
    return !waiting_.empty();
  }

  std::string waiting_;
};

std::string_view why_unsearched(std::string_view word) {
  if (word == "missing")
    return "it is not in working/ any more; stop usherd and run 'usherd doctor'";
  if (word == "unreadable")
    return "usherd may not read it in working/; 'usherd status' has what the disk says";
  if (word == "converting")
    return "it is not converted yet; ask again later";
  if (word == "settled")
    return "it was settled just then; ask again";
  if (word == "large")
    return "the backlog is too large to be looked through; ask again when less is left";
  return "it is large, or being converted";
}

/// What else may be known of the users. Once an answer, however many users it tells of.
void tell_unsearched(std::string_view answer) {
  const auto parsed = Answer::parse(answer);
  if (!parsed)
    return;
  const auto names = parsed->values().texts("unsearched");
  const auto reasons = parsed->values().texts("unsearched_why");
  for (std::size_t i = 0; i < names.size(); ++i)
    tell("usherd: {} was not looked into to its end: {}\n", names[i],
         why_unsearched(i < reasons.size() ? reasons[i] : std::string()));
  if (const auto count = parsed->values().number("unsearched_files"); count > names.size())
    tell("usherd: nor were {} more\n", grouped(count - names.size()));
  const auto bad = parsed->values().texts("bad_rejects");
  for (const auto& what : bad)
    tell("usherd: {}\n", what);
  if (const auto count = parsed->values().number("bad_reject_lines"); count > bad.size())
    tell("usherd: and {} more such lines\n", grouped(count - bad.size()));
}

/// What is known of one user, printed. `named`: it is not the only one.
ExitCode show(const std::string& user, const std::string& answer, bool json, bool named) {
  const auto parsed = Answer::parse(answer);
  const auto text = trace_text(answer);
  if (!parsed || !text) {
    tell("usherd: {}\n", parsed ? text.error().message : parsed.error().message);
    return ExitCode::failure;
  }
  if (json)
    fmt::print("{}", answer);
  else if (named)
    fmt::print("{}:\n{}", printable(user), *text);
  else
    fmt::print("{}", *text);
  if (!parsed->values().list("updates").empty())
    return ExitCode::ok;
  tell(
      "usherd: no update of {} is known: it was never accepted, is longer ago than spool.keep_done, "
      "or its reject was dropped\n",
      printable(user));
  return ExitCode::failure;
}

ExitCode trace_one(const SpoolQuestion& spool, const std::string& user, bool json, bool named) {
  const auto answer = spool.ask("/api/trace?user=" + percent_encode(user), [&](Inquiry& inquiry) {
    return inquiry.trace({&user, 1});
  });
  if (answer.exit != ExitCode::ok) {
    tell("usherd: {}\n", answer.text);
    return answer.exit;
  }
  tell_unsearched(answer.text);
  return show(user, answer.text, json, named);
}

/// How many users, from the first on, were told of together; `worst` grows with what they had.
std::size_t trace_together(const SpoolQuestion& spool, std::span<const std::string> users, bool json,
                           ExitCode& worst) {
  std::string body;
  for (const auto& user : users)
    body += user + '\n';
  const auto answer = spool.ask("/api/trace", body, [&](Inquiry& inquiry) { return inquiry.trace(users); });
  if (answer.exit != ExitCode::ok)
    return 0;
  tell_unsearched(std::string_view(answer.text).substr(0, answer.text.find('\n')));
  std::size_t told = 0;
  for (std::size_t from = 0; from < answer.text.size() && told < users.size(); ++told) {
    const auto end = std::min(answer.text.find('\n', from), answer.text.size() - 1) + 1;
    worst = std::max(worst, show(users[told], answer.text.substr(from, end - from), json, true));
    from = end;
  }
  return told;
}

}  // namespace

ExitCode run_trace(const Config& config, const TraceArguments& arguments) {
  const SpoolQuestion spool(config);
  if (arguments.user != "-")
    return trace_one(spool, arguments.user, arguments.json, false);
  auto worst = ExitCode::ok;
  UserGroups groups;
  for (auto users = groups.next(); !users.empty(); users = groups.next()) {
    for (std::span<const std::string> rest = users; !rest.empty();) {
      if (const auto told = rest.size() == 1 ? 0 : trace_together(spool, rest, arguments.json, worst);
          told != 0) {
        rest = rest.subspan(told);
        continue;
      }
      const auto exit = trace_one(spool, rest.front(), arguments.json, true);
      if (exit == ExitCode::unavailable)
        return exit;
      worst = std::max(worst, exit);
      rest = rest.subspan(1);
    }
  }
  return worst;
}

}  // namespace usherd
