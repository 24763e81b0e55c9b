#pragma once

#include "usherd/app/config.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// One thing that is wrong in a configuration file.
struct ConfigFault {
  unsigned line = 0;    ///< from 1; 0 where the fault has no line
  unsigned column = 0;  ///< from 1; 0 where the fault has no column
  std::string key;      ///< "api.sessions"; empty where the fault is the file's
  std::string message;  ///< what is wrong
  std::string hint;     ///< what to do; may be empty
  bool operator==(const ConfigFault&) const = default;
};

/// Where each key that was given stands: path to line.
using ConfigLines = std::map<std::string, unsigned, std::less<>>;

/// A configuration, or everything that is wrong with it: with faults the config is not to be used.
struct ConfigOutcome {
  std::string file;
  Config config;
  std::vector<ConfigFault> faults;  ///< in order of their lines
  ConfigLines lines;
  [[nodiscard]] bool good() const { return faults.empty(); }
};

/// Reads and checks a configuration file of at most 1 MiB. Where spool.directory or state.directory is a
/// link, the directory that it leads to stands in the config. Never throws.
[[nodiscard]] ConfigOutcome load_config(const std::string& path);

/// The same for a text that stands already in memory.
[[nodiscard]] ConfigOutcome parse_config(std::string_view text, std::string file_name);

/// "FILE:LINE: KEY: message; hint", without what is not there.
[[nodiscard]] std::string format_fault(std::string_view file, const ConfigFault& fault);

/// All faults, a line each, each with its newline.
[[nodiscard]] std::string format_faults(const ConfigOutcome& outcome);

}  // namespace usherd
