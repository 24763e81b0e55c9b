#include "src/app/trace_text.hpp"

#include "src/app/status_values.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

namespace usherd {
namespace {

std::string place_of(const Values& update, bool shares_line) {
  auto place = update.text("file");
  const auto line = update.number("line");
  const auto record = update.number("record");
  if (line != 0)
    place += fmt::format(" line {}", line);
  if (record != 0 && (line == 0 || shares_line))
    place += fmt::format(" record {}", record);
  return place;
}

bool are_of_one_line(const Values& a, const Values& b) {
  return a.number("line") == b.number("line") && a.text("file") == b.text("file");
}

/// `shares_line`: another of these updates stands on the same line.
std::string update_line(const Values& update, bool shares_line) {
  auto out = fmt::format("{:<32} {:<10}", place_of(update, shares_line), update.text("outcome"));
  if (const auto code = update.text("code"); !code.empty())
    out += " " + code;
  if (const auto retried = update.text("retried_as"); !retried.empty())
    out += " retried as " + retried;
  if (const auto batch = update.number("batch"); batch != 0)
    out += fmt::format(" batch {}", batch);
  if (const auto job = update.text("job"); !job.empty())
    out += " job " + job;
  for (const auto* name : {"finished", "submitted", "accepted"}) {
    const auto time = update.text(name);
    if (time.empty())
      continue;
    out += fmt::format(" {} {}", name, time);
    break;
  }
  return out + "\n";
}

}  // namespace

Result<std::string> trace_text(std::string_view json) {
  const auto answer = Answer::parse(json);
  if (!answer)
    return answer.error();
  std::string out;
  const auto updates = answer->values().list("updates");
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const bool shares_line = (i > 0 && are_of_one_line(updates[i - 1], updates[i])) ||
                             (i + 1 < updates.size() && are_of_one_line(updates[i], updates[i + 1]));
    out += update_line(updates[i], shares_line);
  }
  if (answer->values().flag("cut"))
    out = "(older ones are left out)\n" + out;
  return out;
}

Result<std::string> replay_text(std::string_view json) {
  const auto answer = Answer::parse(json);
  if (!answer)
    return answer.error();
  const auto report = answer->values();
  std::string out;
  const auto refusals = report.list("refusals");
  for (const auto& refusal : refusals)
    out += fmt::format("{} line {} stays: {}\n", refusal.text("file"), refusal.number("line"),
                       refusal.text("detail"));
  if (report.number("refused") > refusals.size())
    out += fmt::format("and {} more stay\n", grouped(report.number("refused") - refusals.size()));
  const bool is_drop = report.has("dropped");
  const auto done = report.number(is_drop ? "dropped" : "retried");
  const auto* verb = is_drop ? "dropped" : "retried";
  out += fmt::format("{} {}{}, of {} that match", grouped(done), report.flag("dry_run") ? "would be " : "",
                     verb, grouped(report.number("matched")));
  if (const auto already = report.number("already_retried"); already != 0)
    out += fmt::format("; {} {} retried before", grouped(already), already == 1 ? "was" : "were");
  if (const auto file = report.text("file"); !file.empty())
    out += fmt::format("; they are in {}", file);
  if (report.number("matched") == 0)
    out += "; those of files that have not settled yet are left alone";
  return out + "\n";
}

}  // namespace usherd
