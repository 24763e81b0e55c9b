#include "usherd/admin/metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace usherd {
namespace {

/// Seconds since 1970 at which this machine was started.
double boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  double time = 0;
  while (file >> word) {
    if (word == "btime") {
      file >> time;
      break;
    }
  }
  return time;
}

}  // namespace

ProcessFigures read_process_figures() {
  ProcessFigures figures;
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  // The second field is the program's name in brackets and may hold blanks; fields count from 3 behind it.
  const auto name_end = line.rfind(')');
  if (name_end != std::string::npos) {
    std::istringstream fields(line.substr(name_end + 1));
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    std::string skipped;
    double user = 0;
    double system = 0;
    double start = 0;
    std::uint64_t pages = 0;
    for (int field = 3; field <= 24 && fields; ++field) {
      if (field == 14)
        fields >> user;
      else if (field == 15)
        fields >> system;
      else if (field == 22)
        fields >> start;
      else if (field == 23)
        fields >> figures.virtual_bytes;
      else if (field == 24)
        fields >> pages;
      else
        fields >> skipped;
    }
    figures.cpu_seconds = (user + system) / ticks;
    figures.started = boot_time() + start / ticks;
    figures.resident_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  std::error_code failure;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", failure), end; !failure && entry != end;
       entry.increment(failure))
    ++figures.open_descriptors;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    figures.most_descriptors = limit.rlim_cur;
  return figures;
}

}  // namespace usherd
