#pragma once

#include "src/app/daemon_parts.hpp"
#include "src/app/inquiry.hpp"
#include "usherd/admin/router.hpp"
#include "usherd/ports/semaphore.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <string>

namespace usherd {

/// The questions of `trace` and `rejects` to a running daemon, behind the admin socket. One at a time, the
/// others in line: each keeps a worker busy, and the other ones are for the delivery. Event loop only;
/// references must outlive it.
class Inquiries {
 public:
  /// With so many in line the next one is told to try again.
  static constexpr std::size_t kMostWaiting = 32;

  Inquiries(boost::asio::any_io_executor loop, DaemonParts& parts, Files& disk, std::string state_directory)
      : parts_(parts), disk_(disk), state_directory_(std::move(state_directory)), turn_(std::move(loop), 1) {}

  /// Adds /api/trace (of one user, and of many), /api/rejects/retry and /api/rejects/drop.
  void add_to(Router& router);

 private:
  using Answer = boost::asio::awaitable<AdminReply>;
  using Question = std::function<Result<std::string>(Inquiry&)>;
  [[nodiscard]] Answer trace(AdminRequest request);
  [[nodiscard]] Answer trace_all(AdminRequest request);
  [[nodiscard]] Answer retry(AdminRequest request);
  [[nodiscard]] Answer drop(AdminRequest request);
  [[nodiscard]] Answer ask(Question question);

  DaemonParts& parts_;
  Files& disk_;
  std::string state_directory_;
  Semaphore turn_;
};

/// A name for the file that a retry at `now` makes: "retry-20261125T182411Z.ndjson".
[[nodiscard]] std::string retry_name(WallTime now);

}  // namespace usherd
