#include "src/app/commands.hpp"
#include "src/app/heap.hpp"
#include "src/app/standard_output.hpp"
#include "src/app/standard_streams.hpp"
#include "usherd/app/api_key.hpp"
#include "usherd/app/command_line.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <variant>

int main(int argc, char** argv) {
  usherd::open_missing_streams();
  // Any command may come to read the key.
  if (const auto done = usherd::forbid_core_dumps(); !done)
    std::fprintf(stderr, "usherd: %s\n", done.error().message.c_str());
  usherd::set_up_heap();
  // A limit of file sizes (LimitFSIZE=) is one more kind of full disk: the write fails, and that is dealt
  // with.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const auto parsed = usherd::parse_command_line(argc, argv);
    const auto run = [&parsed] {
      if (const auto* exit = std::get_if<usherd::CommandLineExit>(&parsed)) {
        std::fputs(exit->text.c_str(), exit->to_stdout ? stdout : stderr);
        return exit->code;
      }
      return usherd::run_command(std::get<usherd::CommandLine>(parsed));
    };
    return static_cast<int>(usherd::run_to_stdout(run));
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "usherd: internal error: %s\n", bug.what());
    return static_cast<int>(usherd::ExitCode::failure);
  }
}
