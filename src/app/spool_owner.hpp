#pragma once

#include "usherd/app/config.hpp"
#include "usherd/core/result.hpp"

#include <string>

namespace usherd {

/// Root becomes the user and group whom a folder belongs to, for the rest of the process, so that what is
/// made from then on is not out of usherd's reach. Anybody else, a folder of root's and one that is not there
/// change nothing.
[[nodiscard]] Result<void> become_owner_of(const std::string& folder);

/// The same for a run over a whole spool: `working/` tells whose it is, as usherd alone makes it and has
/// business there, and the spool's directory where there is no `working/` yet. The state directory and the
/// folder of the socket are made first, for that user, as only root may do that in /var/lib and /run; a state
/// directory that is closed to that user is an error that says what to do. Whatever root alone may read must
/// have been read before. Returns the user's name, or nothing where nobody was become.
[[nodiscard]] Result<std::string> become_owner_of_spool(const Config& config);

}  // namespace usherd
