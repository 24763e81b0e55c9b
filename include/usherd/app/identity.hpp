#pragma once

#include "usherd/core/log.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/submit/api_client.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>

namespace usherd {

/// Makes sure that a ledger's unfinished work goes to the organisation that it was begun for. Event loop
/// only.
class Identity {
 public:
  Identity(ApiClient& api, GroupCommit& ledger, Log& log, std::string base_url)
      : api_(api), ledger_(ledger), log_(log), base_url_(std::move(base_url)) {}

  /// Asks GET /me once and compares; parks `organisation` where another one answers while work is unfinished.
  /// An answer other than 200 holds nothing up.
  [[nodiscard]] boost::asio::awaitable<void> check(bool work_is_unfinished);
  /// The role of the key cannot read the errors of a job.
  [[nodiscard]] bool errors_are_readable() const {
    return role_.empty() || role_ == "ADMIN" || role_ == "ARCHITECT";
  }

 private:
  [[nodiscard]] boost::asio::awaitable<void> compare(std::string org_id, bool work_is_unfinished);

  ApiClient& api_;
  GroupCommit& ledger_;
  Log& log_;
  std::string base_url_;
  std::string role_;
};

}  // namespace usherd
