#include "src/app/standard_output.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

namespace usherd {
namespace {

bool reader_is_gone() {
  pollfd reader{STDOUT_FILENO, 0, 0};
  return ::poll(&reader, 1, 0) > 0 && (reader.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

ExitCode run_to_stdout(const std::function<ExitCode()>& command) {
  auto exit = ExitCode::ok;
  int number = 0;
  try {
    exit = command();
  } catch (const std::system_error& failure) {
    // This is how fmt tells of a print that failed.
    if (std::ferror(stdout) == 0)
      throw;
    number = failure.code().value();
  }
  if (std::fflush(stdout) != 0 && number == 0)
    number = errno;
  if (std::ferror(stdout) == 0 || reader_is_gone())
    return exit;
  const auto why = number == 0 ? std::string() : ": " + std::generic_category().message(number);
  std::fprintf(stderr, "usherd: cannot write to standard output%s\n", why.c_str());
  return ExitCode::failure;
}

void flush_stdout() {
  if (std::fflush(stdout) != 0)
    throw std::system_error(errno, std::generic_category());
}

int print_done(std::string_view result, std::string_view instead) {
  try {
    fmt::print("{}", result);
    flush_stdout();
    return 0;
  } catch (const std::system_error& failure) {
    tell("{}", instead);
    return failure.code().value();
  }
}

}  // namespace usherd
