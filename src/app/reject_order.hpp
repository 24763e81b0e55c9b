#pragma once

#include "usherd/admin/message.hpp"
#include "usherd/core/result.hpp"
#include "usherd/settle/replay.hpp"

#include <string>

namespace usherd {

/// A ReplayOrder on its way through the admin socket: ?code=&stage=&file=&force=1&dry_run=1. The uid is the
/// request's body, as actions are logged with their queries.
[[nodiscard]] std::string query_of(const ReplayOrder& order);
/// Errc::invalid for a parameter or a stage that there is not: nothing is done that was not meant.
[[nodiscard]] Result<ReplayOrder> order_of(const AdminRequest& request);

}  // namespace usherd
