#include "usherd/admin/status_report.hpp"

#include "usherd/core/text.hpp"
#include "usherd/core/timestamp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

namespace usherd {
namespace {

/// Writes JSON members one after the other; who opens a bracket closes it.
class Writer {
 public:
  Writer& open(std::string_view name, char bracket) {
    comma();
    if (!name.empty())
      key(name);
    out_ += bracket;
    first_ = true;
    return *this;
  }
  Writer& close(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
  }
  Writer& text(std::string_view name, std::string_view value) {
    member(name);
    append_json_string(out_, value);
    return *this;
  }
  Writer& number(std::string_view name, std::uint64_t value) {
    member(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
    return *this;
  }
  Writer& real(std::string_view name, double value) {
    member(name);
    fmt::format_to(std::back_inserter(out_), "{:.3f}", value);
    return *this;
  }
  Writer& item(double value) {
    comma();
    fmt::format_to(std::back_inserter(out_), "{:.1f}", value);
    return *this;
  }
  Writer& seconds(std::string_view name, Milliseconds value) {
    return real(name, static_cast<double>(value.count()) / 1000);
  }
  Writer& seconds(std::string_view name, const std::optional<Milliseconds>& value) {
    return value ? seconds(name, *value) : null(name);
  }
  Writer& null(std::string_view name) {
    member(name);
    out_ += "null";
    return *this;
  }
  Writer& flag(std::string_view name, bool value) {
    member(name);
    out_ += value ? "true" : "false";
    return *this;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void comma() {
    if (!first_)
      out_ += ',';
    first_ = false;
  }
  void key(std::string_view name) { fmt::format_to(std::back_inserter(out_), "\"{}\":", name); }
  void member(std::string_view name) {
    comma();
    key(name);
  }
  std::string out_;
  bool first_ = true;
};

/// Of a path in one of the spool's folders the folder alone: names of files are not for everybody.
std::string without_names(std::string text) {
  for (const std::string_view folder : {"/incoming/", "/working/", "/done/", "/rejected/"}) {
    const auto found = text.find(folder);
    if (found == std::string::npos)
      continue;
    const auto name = found + folder.size();
    // The cause stands behind the last colon; a name may have some, too.
    const auto cause = text.rfind(": ");
    text.replace(name, cause != std::string::npos && cause > name ? cause - name : text.size() - name, "...");
  }
  return text;
}

void write_service(Writer& json, const StatusReport& report, bool with_names) {
  json.number("schema", 1).text("time", format_rfc3339(report.now));
  json.open("service", '{')
      .text("version", report.version)
      .text("mode", report.mode)
      .number("pid", static_cast<std::uint64_t>(report.pid))
      .text("started", format_rfc3339(report.started))
      .seconds("uptime_seconds", report.uptime)
      .flag("reload_good", report.reload_good)
      .close('}');
  json.text("state", to_string(report.state));
  json.open("parked", '[');
  for (const auto& parked : report.parked)
    json.open("", '{')
        .text("reason", to_string(parked.reason))
        .text("since", format_rfc3339(parked.since))
        .seconds("seconds", parked.age)
        .text("advice", advice_for(parked))
        .text("detail", with_names ? parked.detail : without_names(parked.detail))
        .close('}');
  json.close(']').seconds("held_seconds", report.held);
  if (!report.outage) {
    json.null("outage");
    return;
  }
  json.open("outage", '{')
      .text("since", format_rfc3339(report.outage->since))
      .seconds("seconds", report.outage->age)
      .number("requests", report.outage->requests)
      .text("cause", report.outage->cause)
      .close('}');
}

void write_backlog(Writer& json, const StatusReport& report) {
  const auto total = report.backlog.total();
  json.open("backlog", '{')
      .number("files", total.files)
      .number("bytes", total.bytes)
      .number("records_pending", report.pending_records)
      .number("records_waiting", report.waiting_records)
      .seconds("oldest_seconds", report.oldest)
      .open("ages", '[');
  const auto& columns = report.backlog.columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool last = i + 1 == columns.size();
    json.open("", '{')
        .seconds("up_to_seconds", last ? std::nullopt : std::optional<Milliseconds>(AgeTable::limit(i)))
        .number("files", columns[i].files)
        .number("bytes", columns[i].bytes)
        .close('}');
  }
  json.close(']').close('}');
}

void write_budget(Writer& json, std::string_view name, const BudgetReport& budget) {
  json.open(name, '{')
      .number("used", budget.used)
      .number("usable", budget.usable)
      .number("limit", budget.limit)
      .close('}');
}

void write_work(Writer& json, const StatusReport& report) {
  json.open("budget", '{');
  write_budget(json, "batches", report.batches);
  write_budget(json, "operations", report.operations);
  json.close('}');
  json.open("sessions", '{')
      .number("busy", report.sessions_busy)
      .number("idle", report.sessions_idle)
      .number("limit", report.sessions_limit)
      .close('}');
}

void write_jobs(Writer& json, const StatusReport& report, std::size_t most) {
  json.open("jobs", '{').number("count", report.job_count).seconds("oldest_seconds", report.oldest_job);
  json.open("list", '[');
  for (std::size_t i = 0; i < std::min(report.jobs.size(), most); ++i) {
    const auto& job = report.jobs[i];
    json.open("", '{')
        .number("batch", job.batch)
        .text("job", job.job)
        .text("stage", job.stage)
        .number("records", job.records)
        .seconds("age_seconds", job.age)
        .close('}');
  }
  json.close(']').close('}');
}

void write_results(Writer& json, const StatusReport& report) {
  const auto& ended = report.ended;
  json.open("records", '{')
      .number("imported", ended.outcomes.imported)
      .number("rejected", ended.outcomes.rejected)
      .number("merged", ended.outcomes.merged)
      .number("unknown", ended.outcomes.unknown)
      .number("rekeyed", ended.outcomes.rekeyed)
      .close('}');
  json.open("files", '{')
      .number("done", ended.files_done)
      .number("with_rejects", ended.files_with_rejects)
      .number("refused", ended.files_refused)
      .close('}');
  json.open("rate", '{')
      .real("records_per_second", report.rate_now)
      .real("last_hour", report.rate_hour)
      .number("step_seconds", 30)
      .open("history", '[');
  for (const auto rate : report.rate_history)
    json.item(rate);
  json.close(']').close('}').seconds("eta_seconds", report.eta);
  json.open("rejects", '[');
  for (const auto& entry : report.rejects)
    json.open("", '{')
        .text("stage", to_string(entry.stage))
        .text("code", entry.code)
        .number("count", entry.count)
        .text("last", format_rfc3339(entry.last))
        .close('}');
  json.close(']');
}

void write_left(Writer& json, const StatusReport& report, bool with_names) {
  std::map<std::string_view, std::uint64_t> reasons;
  for (const auto& file : report.left)
    ++reasons[word_of(file.reason)];
  // Those named since the last rescan are not counted yet.
  std::uint64_t total = 0;
  for (const auto& [reason, count] : report.left_counts)
    reasons[word_of(reason)] = std::max(reasons[word_of(reason)], count);
  for (const auto& [word, count] : reasons)
    total += count;
  json.open("left", '{').number("count", total).open("reasons", '{');
  for (const auto& [word, count] : reasons)
    json.number(word, count);
  json.close('}');
  if (with_names) {
    json.open("files", '[');
    for (std::size_t i = 0; i < std::min(report.left.size(), StatusReport::kMostLeft); ++i)
      json.open("", '{')
          .text("name", report.left[i].name)
          .text("reason", word_of(report.left[i].reason))
          .text("detail", report.left[i].detail)
          .close('}');
    json.close(']');
  }
  json.close('}');
}

void write_stuck(Writer& json, const StatusReport& report, bool with_names) {
  json.open("stuck", '{').number("count", report.stuck_count);
  if (with_names) {
    json.open("list", '[');
    for (std::size_t i = 0; i < std::min(report.stuck.size(), StatusReport::kMostStuck); ++i)
      json.open("", '{').text("name", report.stuck[i].name).text("reason", report.stuck[i].reason).close('}');
    json.close(']');
  }
  json.close('}');
}

}  // namespace

std::string jobs_json(const StatusReport& report) {
  Writer json;
  json.open("", '{').number("schema", 1);
  write_jobs(json, report, report.jobs.size());
  json.close('}');
  return json.take() + "\n";
}

std::string status_json(const StatusReport& report, bool with_names) {
  Writer json;
  json.open("", '{');
  write_service(json, report, with_names);
  write_backlog(json, report);
  write_work(json, report);
  write_jobs(json, report, StatusReport::kMostJobs);
  write_results(json, report);
  write_stuck(json, report, with_names);
  write_left(json, report, with_names);
  json.open("disk", '{')
      .number("free_bytes", report.free_bytes)
      .number("ledger_bytes", report.ledger_bytes)
      .flag("ledger_answers", report.ledger_answers)
      .close('}');
  json.close('}');
  return json.take() + "\n";
}

}  // namespace usherd
