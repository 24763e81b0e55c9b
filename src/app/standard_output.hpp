#pragma once

#include "usherd/app/exit_code.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace usherd {

/// Runs a command whose results go to stdout, and sees that they got there: else it says so on stderr and the
/// command has failed. A reader that went away had enough, and is no failure.
[[nodiscard]] ExitCode run_to_stdout(const std::function<ExitCode()>& command);

/// What was printed goes out now. Throws std::system_error where it does not, as fmt does for a failed print.
void flush_stdout();

/// Prints the result of what was done already. Where standard output does not take it, `instead` goes to
/// stderr, for who does not learn of it may do it again. 0, or the number of that failure.
[[nodiscard]] int print_done(std::string_view result, std::string_view instead);

/// Words for stderr. That nobody can be told changes nothing of what a command did, and so not its exit code.
template <class... Args>
void tell(fmt::format_string<Args...> words, Args&&... args) {
  const std::string text = fmt::format(words, std::forward<Args>(args)...);
  static_cast<void>(std::fputs(text.c_str(), stderr));
}

}  // namespace usherd
