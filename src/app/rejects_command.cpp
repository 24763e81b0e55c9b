#include "src/app/rejects_command.hpp"

#include "src/app/inquiries.hpp"
#include "src/app/reject_order.hpp"
#include "src/app/spool_question.hpp"
#include "src/app/standard_output.hpp"
#include "src/app/status_values.hpp"
#include "src/app/trace_text.hpp"
#include "usherd/adapters/posix_files.hpp"
#include "usherd/core/text.hpp"
#include "usherd/settle/cut_retries.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <system_error>

namespace usherd {
namespace {

using Action = RejectsArguments::Action;

/// A terminal obeys control characters, wherever they come from.
std::string shown(std::string_view text, bool terminal) {
  return terminal ? printable(text, RejectStore::kMostLine) : std::string(text);
}

std::string user_of(const StoredReject& reject) {
  return printable(reject.uid.empty() ? reject.id : reject.uid, 60);
}

void list_one(const StoredReject& reject) {
  const auto place = fmt::format("{}:{}", printable(reject.file), reject.line);
  const auto user = user_of(reject);
  fmt::print("{:<32} {:<7} {:<24} {:<16} {}{}\n", place, name_of(reject.stage), printable(reject.code, 60),
             user.empty() ? "-" : user, printable(reject.message),
             reject.retried_as.empty() ? "" : fmt::format(" [retried as {}]", printable(reject.retried_as)));
}

void show_one(const StoredReject& reject, bool terminal) {
  fmt::print("{} line {}, offset {}\n", printable(reject.file), reject.line, reject.offset);
  fmt::print("  {}: {}\n  {}\n", name_of(reject.stage), printable(reject.code),
             printable(reject.message, 1000));
  if (const auto user = user_of(reject); !user.empty())
    fmt::print("  user {}\n", user);
  if (reject.batch != 0)
    fmt::print("  batch {}{}\n", reject.batch,
               reject.job.empty() ? "" : fmt::format(", job {}", printable(reject.job)));
  if (!reject.retried_as.empty())
    fmt::print("  retried as {}\n", printable(reject.retried_as));
  fmt::print("  {}\n\n", shown(reject.record.empty() ? reject.raw : reject.record, terminal));
}

Result<void> print_one(const StoredReject& reject, const RejectsArguments& arguments, bool terminal) {
  if (arguments.action == Action::export_records)
    fmt::print("{}\n", shown(reject.record.empty() ? reject.raw : reject.record, terminal));
  else if (arguments.json)
    fmt::print("{}\n", shown(reject.bytes, terminal));
  else if (arguments.action == Action::list)
    list_one(reject);
  else
    show_one(reject, terminal);
  // Whoever reads has had enough, as `head` has.
  if (std::ferror(stdout) != 0)
    return Error{Errc::cancelled, "standard output takes no more"};
  return {};
}

/// Until a retry has ended the marks do not tell what was sent.
Result<void> no_retry_is_noted(Files& files, const SpoolLayout& layout) {
  const auto noted = CutRetries(files, layout).any_noted();
  if (!noted)
    return noted.error();
  if (*noted)
    return Error{
        Errc::unavailable,
        "a retry is at work, or was cut short, and what it sent would be exported again: try again when "
        "it has ended; a start of usherd, `usherd rejects retry --dry-run` or `usherd doctor --repair` ends "
        "one that was cut short"};
  return {};
}

void tell_bad(const BadLines& bad) {
  for (const auto& what : bad.told)
    tell("usherd: {}\n", what);
  if (bad.count > bad.told.size())
    tell("usherd: and {} more such lines\n", grouped(bad.count - bad.told.size()));
}

ExitCode look(const Config& config, const RejectFilter& filter, const RejectsArguments& arguments) {
  PosixFiles files;
  const SpoolLayout layout(config.spool.directory);
  const RejectStore store(files, layout);
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  const bool exports = arguments.action == Action::export_records;
  std::uint64_t count = 0;
  std::uint64_t retried = 0;
  BadLines bad;
  const auto print = [&](const StoredReject& reject) -> Result<void> {
    // It went out in a file of its own: submitted, it would be delivered twice.
    if (exports && !reject.retried_as.empty()) {
      ++retried;
      return {};
    }
    ++count;
    return print_one(reject, arguments, terminal);
  };
  // What is exported is to be submitted: the newest update of a user must come last.
  auto visited = exports ? no_retry_is_noted(files, layout) : store.visit(filter, print, &bad);
  if (exports && visited)
    visited = store.visit_oldest_first(filter, print, &bad);
  if (!visited) {
    const auto* hint =
        visited.error().code == Errc::denied ? ": be root, or a member of the group usherd" : "";
    tell("usherd: {}{}\n", visited.error().message, hint);
    return visited.error().code == Errc::unavailable ? ExitCode::unavailable : ExitCode::failure;
  }
  const auto exit = bad.count == 0 ? ExitCode::ok : ExitCode::failure;
  tell_bad(bad);
  // A file's rejects come into rejected/ when it settles.
  if (count + retried == 0) {
    tell("0 rejects; those of files that have not settled yet are told by `usherd trace UID` alone\n");
    return exit;
  }
  const auto left = retried == 0 ? "" : fmt::format("; {} that were retried are left out", grouped(retried));
  tell("{} reject{}{}\n", grouped(count), count == 1 ? "" : "s", left);
  return exit;
}

ExitCode change(const Config& config, const ReplayOrder& order, const RejectsArguments& arguments) {
  const bool retries = arguments.action == Action::retry;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto question = [&](Inquiry& inquiry) {
    return retries ? inquiry.retry(order, retry_name(now)) : inquiry.drop(order);
  };
  const auto target = (retries ? "/api/rejects/retry" : "/api/rejects/drop") + query_of(order);
  const auto answer = SpoolQuestion(config).change(target, order.filter.uid.value_or(""), question);
  if (answer.exit != ExitCode::ok) {
    const bool doubtful = answer.unanswered && !order.dry_run;
    tell("usherd: {}{}\n", answer.text,
         doubtful ? "; it may have been done all the same: look with `usherd rejects list`" : "");
    return answer.exit;
  }
  const auto text = replay_text(answer.text);
  const auto parsed = Answer::parse(answer.text);
  if (!text || !parsed) {
    tell("usherd: {}\n", text ? parsed.error().message : text.error().message);
    return ExitCode::failure;
  }
  const auto summary = std::string_view(*text).substr(text->rfind('\n', text->size() - 2) + 1);
  const auto instead = order.dry_run ? "" : fmt::format("usherd: it was done all the same: {}", summary);
  const int failed = print_done(arguments.json ? answer.text : *text, instead);
  // A reader that went away is no failure.
  if (failed != 0 && failed != EPIPE)
    throw std::system_error(failed, std::generic_category());
  return parsed->values().number("refused") == 0 ? ExitCode::ok : ExitCode::with_rejects;
}

}  // namespace

ExitCode run_rejects(const Config& config, const RejectsArguments& arguments) {
  ReplayOrder order;
  order.filter.code = arguments.code;
  order.filter.file = arguments.file;
  order.filter.uid = arguments.uid;
  if (arguments.stage)
    order.filter.stage = stage_named(*arguments.stage);
  order.force = arguments.force;
  order.dry_run = arguments.dry_run;
  const bool changes = arguments.action == Action::retry || arguments.action == Action::drop;
  return changes ? change(config, order, arguments) : look(config, order.filter, arguments);
}

}  // namespace usherd
