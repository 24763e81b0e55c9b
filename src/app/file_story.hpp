#pragma once

#include "src/app/daemon_parts.hpp"
#include "usherd/admin/message.hpp"
#include "usherd/ledger/rows.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>

namespace usherd {

/// The records of one file that were read, and those of them without outcome.
struct FileCounts {
  std::uint64_t records = 0;
  std::uint64_t pending = 0;
};

/// `read` is where the reader stands, `ended` what the ledger knew a moment before: outcomes may be on their
/// way from one to the other, and a reader that begins anew is behind what has ended. They add up all the
/// same.
[[nodiscard]] FileCounts count_records(std::uint64_t read, const Outcomes& ended);

/// What is known of one file by its name in done/, rejected/ or incoming/: its counts, how far it was read,
/// and what it waits for; 404 where no file has the name. docs/status.md is its page.
[[nodiscard]] boost::asio::awaitable<AdminReply> tell_of_file(DaemonParts& parts, std::string name);

}  // namespace usherd
