#include "src/app/trace_text.hpp"

#include "src/app/status_values.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

namespace usherd {
namespace {

std::string place_of(const Values& update) {
  if (const auto line = update.number("line"); line != 0)
    return fmt::format("{} line {}", update.text("file"), line);
  if (const auto record = update.number("record"); record != 0)
    return fmt::format("{} record {}", update.text("file"), record);
  return update.text("file");
}

std::string update_line(const Values& update) {
  auto out = fmt::format("{:<32} {:<10}", place_of(update), update.text("outcome"));
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
  for (const auto& update : answer->values().list("updates"))
    out += update_line(update);
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
