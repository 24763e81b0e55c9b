#include "src/app/operator_commands.hpp"

#include "src/app/screen.hpp"
#include "src/app/standard_output.hpp"
#include "src/app/status_text.hpp"
#include "usherd/app/admin_client.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace usherd {
namespace {

constexpr int kRetryMs = 1000;
/// The service sends an event each second.
constexpr Milliseconds kWatchPatience{10'000};

TextStyle style_of_stdout() {
  TextStyle style;
  const bool screen = is_screen(STDOUT_FILENO);
  const char* no_color = std::getenv("NO_COLOR");
  style.colours = screen && (no_color == nullptr || *no_color == '\0');
  if (screen)
    style.columns = static_cast<unsigned>(screen_size(STDOUT_FILENO).columns);
  return style;
}

ExitCode complain(const Error& error) {
  tell("usherd: {}\n", error.message);
  return error.code == Errc::unavailable ? ExitCode::unavailable : ExitCode::failure;
}

using Render = Result<std::string> (*)(std::string_view, TextStyle);

/// Prints an answer: as it came, or as `render` shows it.
ExitCode show(const Result<AdminAnswer>& answer, bool json, Render render) {
  if (!answer)
    return complain(answer.error());
  if (answer->status != 200) {
    tell("usherd: {}\n", answer->error());
    return ExitCode::failure;
  }
  if (json) {
    fmt::print("{}", answer->body);
    return ExitCode::ok;
  }
  const auto text = render(answer->body, style_of_stdout());
  if (!text)
    return complain(text.error());
  fmt::print("{}", *text);
  return ExitCode::ok;
}

/// The screen anew for each event; the cursor goes home and the rest is cleared, so that nothing flickers.
void redraw(std::string_view text) {
  std::string out = "\x1b[H";
  for (const char c : text) {
    if (c == '\n')
      out += "\x1b[K";
    out += c;
  }
  out += "\x1b[J";
  std::fwrite(out.data(), 1, out.size(), stdout);
  flush_stdout();
}

Result<std::string> as_it_came(std::string_view json, TextStyle /*style*/) {
  return std::string(json);
}

/// Shows one answer after the other: on a terminal in the place of the last one, else below it, as JSON
/// always is.
class Watcher {
 public:
  Watcher(bool json, Render render)
      : render_(json ? as_it_came : render), terminal_(!json && is_screen(STDOUT_FILENO)) {}

  /// Takes events as they come, in pieces of any size; shows each whole one.
  bool take(std::string_view piece) {
    pending_.append(piece);
    for (auto end = pending_.find("\n\n"); end != std::string::npos; end = pending_.find("\n\n")) {
      const auto event = pending_.substr(0, end);
      pending_.erase(0, end + 2);
      constexpr std::string_view kData = "data: ";
      if (const auto data = event.find(kData); data != std::string::npos)
        show(std::string_view(event).substr(data + kData.size()));
    }
    return pending_.size() < (8U << 20) && std::ferror(stdout) == 0;
  }
  void show(std::string_view json) {
    const auto text = render_(json, style_of_stdout());
    if (!text)
      return;
    last_ = *text;
    said_.clear();
    if (terminal_) {
      draw();
    } else {
      fmt::print("{}\n", last_);
      flush_stdout();
    }
  }
  /// Shown below the last picture; without a terminal each reason is said once until there are events again.
  void lost(const std::string& why) {
    pending_.clear();
    if (terminal_)
      draw(why + "; trying again");
    else if (why != said_)
      tell("usherd: {}; trying again\n", why);
    said_ = why;
  }

 private:
  /// What stood on the screen goes when there is something to take its place.
  void draw(std::string_view footer = {}) {
    if (!std::exchange(cleared_, true))
      fmt::print("\x1b[2J");
    redraw(fit_screen(last_, footer, screen_size(STDOUT_FILENO)));
  }

  Render render_;
  bool terminal_;
  bool cleared_ = false;
  std::string pending_;
  std::string last_;
  std::string said_;
};

ExitCode watch_service(const Config& config, bool json) {
  AdminClient client(config.admin.socket, kWatchPatience);
  Watcher watcher(json, status_text);
  bool ever = false;
  while (true) {
    const auto answer = client.stream("/api/events", [&](std::string_view piece) {
      ever = true;
      return watcher.take(piece);
    });
    if (std::ferror(stdout) != 0)
      return ExitCode::ok;
    // Who was never there need not be waited for; one that is restarted comes back.
    if (!ever)
      return complain(answer ? Error{Errc::unavailable, answer->error()} : answer.error());
    watcher.lost(answer ? "the service ended" : answer.error().message);
    ::poll(nullptr, 0, kRetryMs);
  }
}

/// No events tell of one file: it is asked for again.
ExitCode watch_file(const Config& config, const std::string& target, bool json) {
  AdminClient client(config.admin.socket);
  Watcher watcher(json, file_text);
  bool ever = false;
  while (std::ferror(stdout) == 0) {
    const auto answer = client.get(target);
    const bool good = answer && answer->status == 200;
    ever = ever || good;
    if (!ever)
      return show(answer, json, file_text);
    if (good)
      watcher.show(answer->body.substr(0, answer->body.find('\n')));
    else
      watcher.lost(answer ? answer->error() : answer.error().message);
    ::poll(nullptr, 0, kRetryMs);
  }
  return ExitCode::ok;
}

ExitCode status(const Config& config, const StatusArguments& arguments) {
  const bool json = arguments.json;
  const auto target =
      arguments.file.empty() ? "/api/status" : "/api/file?name=" + percent_encode(arguments.file);
  if (arguments.watch)
    return arguments.file.empty() ? watch_service(config, json) : watch_file(config, target, json);
  return show(AdminClient(config.admin.socket).get(target), json,
              arguments.file.empty() ? status_text : file_text);
}

/// Has the service do something, and says `done`; where its answer does not come, by which command to look.
ExitCode act(const Config& config, const std::string& target, std::string_view done, std::string_view look) {
  AdminClient client(config.admin.socket);
  auto answer = client.post(target);
  if (answer && answer->status == 200) {
    fmt::print("{}\n", done);
    return ExitCode::ok;
  }
  if (!answer && client.unanswered())
    return complain(
        {answer.error().code, fmt::format("{}; it may have been done all the same: look with `{}`",
                                          answer.error().message, look)});
  return show(answer, false, status_text);
}

ExitCode jobs(const Config& config, const JobsArguments& arguments) {
  if (arguments.abandon.empty())
    return show(AdminClient(config.admin.socket).get("/api/jobs"), arguments.json, jobs_text);
  return act(
      config, "/api/jobs/abandon?job=" + percent_encode(arguments.abandon),
      "abandoned; its records end unknown (job_abandoned) and are in rejected/ once their files have settled",
      "usherd jobs list");
}

}  // namespace

ExitCode run_operator_command(const Config& config, const CommandLine& line) {
  switch (line.command) {
    case Command::pause:
      return act(config, "/api/pause",
                 "paused: nothing is sent until 'usherd resume'; intake and polls go on", "usherd status");
    case Command::resume:
      return act(config, "/api/resume", "resumed", "usherd status");
    case Command::jobs:
      return jobs(config, line.jobs);
    default:
      return status(config, line.status);
  }
}

}  // namespace usherd
