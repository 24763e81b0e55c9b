#pragma once

#include "src/app/daemon_parts.hpp"
#include "usherd/admin/message.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace usherd {

/// What is known of one file by its name in done/, rejected/ or incoming/: its counts, how far it was read,
/// and what it waits for; 404 where no file has the name. docs/status.md is its page.
[[nodiscard]] boost::asio::awaitable<AdminReply> tell_of_file(DaemonParts& parts, std::string name);

}  // namespace usherd
