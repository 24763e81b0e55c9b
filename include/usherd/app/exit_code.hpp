#pragma once

#include <cstdint>

namespace usherd {

/// How a command ended, as the shell and systemd see it.
enum class ExitCode : std::uint8_t {
  ok = 0,
  failure = 1,
  with_rejects = 2,  ///< finished, but records were rejected or unknown, or a file was refused
  usage = 64,
  unavailable = 69,  ///< the service or the API was not reached in time; work is left and safe
  busy = 75,         ///< another instance holds the spool
  config = 78,
};

}  // namespace usherd
