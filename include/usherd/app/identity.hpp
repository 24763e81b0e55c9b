#pragma once

#include "usherd/core/log.hpp"
#include "usherd/core/random.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/submit/api_client.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// Whether a key of that role can read the errors of a job; one that nobody named may.
[[nodiscard]] inline bool role_reads_errors(std::string_view role) {
  return role.empty() || role == "ADMIN" || role == "ARCHITECT";
}

/// Whose the work of a ledger is, as its facts say.
struct Organisation {
  std::string org_id;    ///< of GET /me
  std::string base_url;  ///< the address that it was asked at

  [[nodiscard]] Result<void> note(Ledger& ledger) const;
};

/// Makes sure that a ledger's unfinished work goes to the organisation that it was begun for: asks GET /me at
/// start and after each change of the key. While it does not know, and there is work that might go astray,
/// the gate holds everything else back. Event loop only; all references must outlive it.
class Identity {
 public:
  struct Parts {
    ApiClient& api;
    GroupCommit& ledger;
    Timers& timers;
    Random& random;
    Log& log;
    std::string base_url;
  };
  explicit Identity(Parts parts);

  /// Asks until there was an answer, then once more after each key_changed(), until the gate closes. Parks
  /// `organisation` where another one answers while work is unfinished, and then reads the key again and asks
  /// at a slow, growing pace; an answer that names none, as a 404 or a 5xx, holds nothing up.
  [[nodiscard]] boost::asio::awaitable<void> run();
  /// The next request goes out under another key.
  void key_changed();
  /// The next request goes out to another address.
  void moved(std::string base_url);
  /// The organisation that unfinished work of another one is parked for; nothing where it is not.
  [[nodiscard]] std::optional<Organisation> parked_for() const;
  /// The role of the key cannot read the errors of a job.
  [[nodiscard]] bool errors_are_readable() const { return role_reads_errors(role_); }

 private:
  /// Whether the ledger holds files that are not settled, begun for an organisation that is known.
  [[nodiscard]] boost::asio::awaitable<bool> may_go_astray();
  /// The key may be the old one again, or the work may have ended.
  [[nodiscard]] boost::asio::awaitable<void> wait_for_change();
  /// Whether the answer settles it: a refused key or none at all does not.
  [[nodiscard]] boost::asio::awaitable<bool> ask();
  [[nodiscard]] boost::asio::awaitable<void> compare(std::string org_id);
  /// No organisation was named: nothing waits for that, but work that now goes elsewhere is warned of.
  [[nodiscard]] boost::asio::awaitable<void> warn_if_moved();

  Parts parts_;
  std::unique_ptr<Alarm> alarm_;
  std::string role_;
  std::string foreign_;    ///< the organisation that answered last where it was not the ledger's
  std::string warned_of_;  ///< the address that unfinished work was last said to go to
  Milliseconds pace_;      ///< until a key of another organisation is looked at again
  bool asked_ = false;     ///< an answer came for the present key
  bool again_ = false;     ///< it is asked about a key that was asked about before
};

}  // namespace usherd
