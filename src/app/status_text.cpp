#include "src/app/status_text.hpp"

#include "src/app/status_values.hpp"
#include "usherd/admin/status_report.hpp"
#include "usherd/core/text.hpp"
#include "usherd/core/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace usherd {
namespace {

constexpr std::size_t kBar = 20;
constexpr std::size_t kMostShownJobs = 10;
constexpr std::size_t kMostShownCodes = 8;

std::string grouped_count(std::uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(number), number == 1 ? one : many);
}

/// The line after the first of many, with where the others are.
std::string more(std::uint64_t count, std::string_view where) {
  return fmt::format("and {} more; '{}' has them", grouped(count), where);
}

/// Builds the text line by line, each line with its heading.
class Lines {
 public:
  explicit Lines(TextStyle style) : style_(style) {}

  void add(std::string_view heading, std::string_view text) {
    out_ += paint(fmt::format("{:<10}", heading), "1");
    out_ += text;
    out_ += '\n';
  }
  [[nodiscard]] std::string paint(std::string_view text, std::string_view code) const {
    return style_.colours ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
  }
  [[nodiscard]] const TextStyle& style() const { return style_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  TextStyle style_;
  std::string out_;
};

std::string_view colour_of(std::string_view state) {
  if (state == "delivering" || state == "settled")
    return "32";
  if (state == "parked" || state == "left" || state == "refused")
    return "31";
  return state == "waiting" ? "33" : "36";
}

std::string bar(double part) {
  const auto full = static_cast<std::size_t>(std::lround(std::clamp(part, 0.0, 1.0) * kBar));
  return "[" + std::string(full, '#') + std::string(kBar - full, '.') + "]";
}

std::string sparkline(const boost::json::array* history, std::size_t width) {
  constexpr std::array<std::string_view, 8> blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (history == nullptr || history->empty() || width == 0)
    return {};
  std::vector<double> steps(std::min(width, history->size()), 0.0);
  for (std::size_t i = 0; i < history->size(); ++i) {
    auto& step = steps[i * steps.size() / history->size()];
    step = std::max(step, real_of((*history)[i]));
  }
  const double most = *std::max_element(steps.begin(), steps.end());
  std::string line;
  for (const auto step : steps) {
    const auto level =
        most <= 0 ? 0 : static_cast<std::size_t>(std::lround(step / most * (blocks.size() - 1)));
    line += blocks[std::min(level, blocks.size() - 1)];
  }
  return line;
}

void add_state(Lines& lines, const Values& status) {
  const auto state = status.text("state");
  auto text = lines.paint(state, colour_of(state));
  const auto eta = status.seconds("eta_seconds");
  if (state == "delivering" && eta)
    text += fmt::format(", about {} left", *eta);
  if (const auto stuck = status.object("stuck").number("count"); state == "delivering" && stuck > 0)
    text += fmt::format(", {} stuck", grouped(stuck));
  if (state == "waiting")
    text += fmt::format(" {} for the API's rate limit (429)", status.seconds("held_seconds").value_or("?"));
  const auto service = status.object("service");
  lines.add("usherd", fmt::format("{} {}, up {}", service.text("mode"), service.text("version"),
                                  service.seconds("uptime_seconds").value_or("?")));
  lines.add("State", text);
  if (const auto outage = status.object("outage"); outage.number("requests") > 0)
    lines.add("Outage", fmt::format("{} {} in a row came to nothing within {}, the last one because: {}",
                                    lines.paint(grouped(outage.number("requests")), "31"),
                                    outage.number("requests") == 1 ? "request" : "requests",
                                    outage.seconds("seconds").value_or("?"), outage.text("cause")));
  for (const auto& parked : status.list("parked")) {
    const auto detail = parked.text("detail");
    // The cause comes before what may be done about it.
    lines.add("Parked", fmt::format("{} for {}: {}{}", lines.paint(parked.text("reason"), "31"),
                                    parked.seconds("seconds").value_or("?"),
                                    detail.empty() ? "" : detail + "; ", parked.text("advice")));
  }
}

void add_rate(Lines& lines, const Values& status) {
  const auto rate = status.object("rate");
  lines.add("Rate", fmt::format("{:.0f} records/s now, {:.0f} over the last hour",
                                rate.real("records_per_second"), rate.real("last_hour")));
  const auto width = std::min<std::size_t>(60, lines.style().columns > 12 ? lines.style().columns - 12 : 0);
  if (rate.real("last_hour") > 0)
    lines.add("", lines.paint(sparkline(rate.array("history"), width), "32"));
}

void add_backlog(Lines& lines, const Values& status) {
  const auto backlog = status.object("backlog");
  lines.add("Backlog", fmt::format("{}, {}, oldest {}; {} under way, {} of them behind an earlier "
                                   "update of their user",
                                   grouped_count(backlog.number("files"), "file", "files"),
                                   format_size(backlog.number("bytes")),
                                   backlog.seconds("oldest_seconds").value_or("none"),
                                   grouped_count(backlog.number("records_pending"), "record", "records"),
                                   grouped(backlog.number("records_waiting"))));
  if (backlog.number("files") == 0)
    return;
  std::string ages = "  minutes ";
  std::string files = "  files   ";
  std::string bytes = "  bytes   ";
  std::uint64_t last = 0;
  for (const auto& age : backlog.list("ages")) {
    const auto limit = static_cast<std::uint64_t>(age.real("up_to_seconds")) / 60;
    ages += fmt::format("{:>8}", limit == 0 ? fmt::format("{}+", last) : std::to_string(limit));
    files += fmt::format("{:>8}", age.number("files"));
    bytes += fmt::format("{:>8}", short_size(age.number("bytes")));
    last = limit;
  }
  // Its own lines are as wide as qshape's.
  for (const auto& line : {ages, files, bytes})
    lines.add(line.substr(0, 10), line.substr(10));
}

void add_work(Lines& lines, const Values& status) {
  const auto budget = status.object("budget");
  for (const auto* name : {"batches", "operations"}) {
    const auto one = budget.object(name);
    const auto limit = std::max<std::uint64_t>(one.number("limit"), 1);
    const auto shrunk = one.number("usable") < one.number("limit")
                            ? fmt::format(", {} usable after 429s", grouped(one.number("usable")))
                            : std::string();
    lines.add(name == std::string_view("batches") ? "Budget" : "",
              fmt::format("{} {} {} of {}{}",
                          bar(static_cast<double>(one.number("used")) / static_cast<double>(limit)), name,
                          grouped(one.number("used")), grouped(one.number("limit")), shrunk));
  }
  const auto sessions = status.object("sessions");
  lines.add("Sessions", fmt::format("{} busy, {} idle, {} at most", sessions.number("busy"),
                                    sessions.number("idle"), sessions.number("limit")));
}

void add_codes(Lines& lines, const std::vector<Values>& codes) {
  const auto shown = std::min(codes.size(), kMostShownCodes);
  for (std::size_t i = 0; i < shown; ++i)
    lines.add(i == 0 ? "Rejects" : "", fmt::format("{:>8}  {:<7} {}", grouped(codes[i].number("count")),
                                                   codes[i].text("stage"), codes[i].text("code")));
  // Of more codes than that the service tells the latest.
  const bool are_all = codes.size() < StatusReport::kMostCodes;
  if (codes.size() > shown)
    lines.add("", are_all ? more(codes.size() - shown, "usherd status --json")
                          : "and older ones; 'usherd rejects list' has all that are kept");
}

void add_results(Lines& lines, const Values& status) {
  const auto records = status.object("records");
  const auto bad = [&](const char* name) {
    const auto count = records.number(name);
    return lines.paint(fmt::format("{} {}", name, grouped(count)), count == 0 ? "0" : "31");
  };
  lines.add("Records", fmt::format("imported {}, merged {}, {}, {}, rekeyed {}",
                                   grouped(records.number("imported")), grouped(records.number("merged")),
                                   bad("rejected"), bad("unknown"), grouped(records.number("rekeyed"))));
  const auto files = status.object("files");
  lines.add("Files", fmt::format("{} done, {} with rejects, {} refused", grouped(files.number("done")),
                                 grouped(files.number("with_rejects")), grouped(files.number("refused"))));
  add_codes(lines, status.list("rejects"));
}

void add_jobs(Lines& lines, const Values& status) {
  const auto jobs = status.object("jobs");
  const auto count = jobs.number("count");
  const auto oldest = jobs.seconds("oldest_seconds");
  lines.add("Jobs", count == 0 ? std::string("none in progress")
                               : fmt::format("{} in progress, {}", count,
                                             oldest ? "the oldest job for " + *oldest : "without a job yet"));
  std::size_t shown = 0;
  for (const auto& job : jobs.list("list")) {
    if (++shown > kMostShownJobs)
      break;
    lines.add("", job_line(job));
  }
  if (count > kMostShownJobs)
    lines.add("", more(count - kMostShownJobs, "usherd jobs list"));
}

void add_stuck(Lines& lines, const Values& status) {
  const auto stuck = status.object("stuck");
  const auto count = stuck.number("count");
  if (count == 0)
    return;
  lines.add("Stuck", fmt::format("{} cannot go on as the disk is:", lines.paint(grouped(count), "31")));
  const auto all = stuck.list("list");
  for (const auto& one : all)
    lines.add("", fmt::format("{}: {}", one.text("name"), one.text("reason")));
  if (count > all.size())
    lines.add("", fmt::format("and {} more", grouped(count - all.size())));
}

void add_left(Lines& lines, const Values& status) {
  const auto left = status.object("left");
  if (left.number("count") == 0)
    return;
  lines.add("Left", fmt::format("{} in incoming/ that cannot be taken:", grouped(left.number("count"))));
  const auto files = left.list("files");
  for (const auto& file : files)
    lines.add("", fmt::format("{} ({}: {})", file.text("name"), file.text("reason"), file.text("detail")));
  if (left.number("count") > files.size())
    lines.add("", fmt::format("and {} more", grouped(left.number("count") - files.size())));
}

}  // namespace

Result<std::string> status_text(std::string_view json, TextStyle style) {
  const auto answer = Answer::parse(json);
  if (!answer)
    return answer.error();
  const auto status = answer->values();
  Lines lines(style);
  add_state(lines, status);
  add_rate(lines, status);
  add_backlog(lines, status);
  add_work(lines, status);
  add_jobs(lines, status);
  add_results(lines, status);
  add_stuck(lines, status);
  add_left(lines, status);
  const auto disk = status.object("disk");
  lines.add("Disk", fmt::format("{} free, ledger {}{}", format_size(disk.number("free_bytes")),
                                format_size(disk.number("ledger_bytes")),
                                disk.flag("ledger_answers") ? "" : ", which does not answer"));
  return lines.take();
}

Result<std::string> file_text(std::string_view json, TextStyle style) {
  const auto answer = Answer::parse(json);
  if (!answer)
    return answer.error();
  const auto file = answer->values();
  Lines lines(style);
  const auto state = file.text("state");
  lines.add("File", file.text("file"));
  if (const auto dropped = file.text("dropped_as"); !dropped.empty())
    lines.add("Dropped", "as " + dropped);
  lines.add("State", lines.paint(state, colour_of(state)));
  if (state != "left") {
    lines.add("Accepted", fmt::format("{} as number {}", file.text("accepted"), file.number("sequence")));
    lines.add("Read", fmt::format("{} of {}, {}", format_size(file.number("bytes_read")),
                                  format_size(file.number("bytes_to_read")),
                                  grouped_count(file.number("records"), "record", "records")));
    lines.add("Records", fmt::format("imported {}, merged {}, rejected {}, unknown {}, pending {}",
                                     grouped(file.number("imported")), grouped(file.number("merged")),
                                     grouped(file.number("rejected")), grouped(file.number("unknown")),
                                     grouped(file.number("pending"))));
  }
  if (const auto refusal = file.text("refusal"); !refusal.empty())
    lines.add("Refused", fmt::format("{}: {}", refusal, file.text("refusal_message")));
  if (const auto finished = file.text("finished"); !finished.empty())
    lines.add("Finished", finished);
  lines.add("Waits for", file.text("waits_for"));
  return lines.take();
}

Result<std::string> jobs_text(std::string_view json, TextStyle /*style*/) {
  const auto answer = Answer::parse(json);
  if (!answer)
    return answer.error();
  const auto jobs = answer->values().object("jobs");
  std::string out;
  for (const auto& job : jobs.list("list"))
    out += job_line(job) + "\n";
  const auto shown = jobs.list("list").size();
  if (shown == 0)
    return std::string("no jobs in progress\n");
  if (jobs.number("count") > shown)
    out += fmt::format("and {} more\n", jobs.number("count") - shown);
  return out;
}

}  // namespace usherd
