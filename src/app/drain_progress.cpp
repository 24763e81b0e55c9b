#include "src/app/drain_progress.hpp"

#include "src/app/status_values.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace usherd {
namespace {

constexpr std::chrono::milliseconds kPace{250};
constexpr std::size_t kBar = 24;
constexpr unsigned kColumns = 80;

/// What was drawn last goes when the drawing ends, however it ends.
class Canvas {
 public:
  Canvas() = default;
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;
  ~Canvas() { put(""); }
  // The cursor goes back to the front, so that a log line overwrites the bar.
  static void put(const std::string& line) {
    const auto text = "\r" + line + "\x1b[K\r";
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }
  [[nodiscard]] static unsigned columns() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kColumns;
  }
};

}  // namespace

std::string ProgressLine::draw(const StatusReport& report, unsigned columns) {
  const auto left = report.backlog.total().bytes;
  most_bytes_ = std::max(most_bytes_, left);
  const double done =
      most_bytes_ == 0 ? 0.0 : 1.0 - static_cast<double>(left) / static_cast<double>(most_bytes_);
  const auto full = static_cast<std::size_t>(done * kBar);
  const auto ended = report.ended.outcomes.ended();
  std::string line =
      fmt::format("{:3.0f}% [{}{}] {} {}", std::min(done * 100, 100.0), std::string(full, '#'),
                  std::string(kBar - full, '.'), grouped(ended), ended == 1 ? "record" : "records");
  if (!report.parked.empty())
    line += fmt::format("  parked ({}) for {}", to_string(report.parked.front().reason),
                        format_duration(report.parked.front().age));
  else if (report.held > Milliseconds{0})
    line += fmt::format("  waiting {} for the API's rate limit", format_duration(report.held));
  else
    line += fmt::format("  {:.0f}/s", report.rate_now);
  if (report.parked.empty() && report.eta && *report.eta > Milliseconds{0})
    line += fmt::format("  about {} left", format_duration(*report.eta));
  // All of it is ASCII. The last column stays free: writing it would begin a new line.
  if (line.size() >= columns)
    line.resize(columns == 0 ? 0 : columns - 1);
  return line;
}

boost::asio::awaitable<void> show_progress(StatusCollector& collector, Timers& timers) {
  const Canvas canvas;
  ProgressLine line;
  const auto alarm = timers.alarm(WaitFor::operators);
  while (true) {
    const auto report = co_await collector.collect();
    Canvas::put(line.draw(report, Canvas::columns()));
    co_await alarm->wait_until(timers.now().boot + kPace);
  }
}

}  // namespace usherd
