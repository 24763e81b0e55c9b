#pragma once

#include "usherd/core/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace usherd {

/// What happened in a watched directory since the last look.
struct WatchBatch {
  std::vector<std::string> names;  ///< closed after writing or moved in; a name may come twice
  bool overflow = false;           ///< events were lost: only a scan tells what is there
};

/// Tells of finished files in one directory as they come. A hint: what it misses a scan must find. One waiter
/// at a time.
class Watch {
 public:
  virtual ~Watch() = default;
  /// Waits for the next events; never an empty batch. Errors: not_found when the directory is gone;
  /// cancelled.
  [[nodiscard]] virtual boost::asio::awaitable<Result<WatchBatch>> next() = 0;
};

}  // namespace usherd
