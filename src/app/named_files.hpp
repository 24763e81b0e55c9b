#pragma once

#include "usherd/app/config_file.hpp"
#include "usherd/app/environment.hpp"

#include <vector>

namespace usherd {

/// What is wrong with something that a configuration names and that stands outside of it.
struct NamedFault {
  ConfigFault fault;
  bool denied = false;   ///< this process may not look; another user's may well
  bool missing = false;  ///< it is not there
};

/// Looks at API key, trust roots, proxy and its credentials, each at the line of its key. In a configuration
/// with faults only the keys that were given, and read without one, are looked at. Reads files; changes
/// nothing.
[[nodiscard]] std::vector<NamedFault> check_named_files(const ConfigOutcome& outcome,
                                                        const Environment& environment);

/// Looks likewise at where spool, state and socket are to be: whether a start could use or make them. One
/// that is running keeps the places that it has, whatever a reload says.
[[nodiscard]] std::vector<NamedFault> check_named_places(const ConfigOutcome& outcome);

/// For who is going to use the configuration: what it may not look at is a fault as well.
void add_named_faults(ConfigOutcome& outcome, const Environment& environment);

/// Before the first that stands further down.
void insert_by_line(std::vector<ConfigFault>& faults, ConfigFault fault);

}  // namespace usherd
