#pragma once

#include "usherd/ports/watch.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <string>
#include <utility>

namespace usherd::fakes {

/// A Watch that tells what the test tells it.
class ManualWatch final : public Watch {
 public:
  explicit ManualWatch(const boost::asio::any_io_executor& executor)
      : wake_(executor, boost::asio::steady_timer::time_point::max()) {}

  void tell(std::string name) {
    batch_.names.push_back(std::move(name));
    wake_.cancel();
  }
  void overflow() {
    batch_.overflow = true;
    wake_.cancel();
  }
  /// The next wait, and all after it, end with this.
  void fail(Error error) {
    failure_ = std::move(error);
    wake_.cancel();
  }

  boost::asio::awaitable<Result<WatchBatch>> next() override {
    if (quiet()) {
      co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (failure_) {
      co_return *failure_;
    }
    if (quiet()) {
      co_return Error{Errc::cancelled, "cancelled"};
    }
    co_return std::exchange(batch_, WatchBatch());
  }

 private:
  [[nodiscard]] bool quiet() const { return batch_.names.empty() && !batch_.overflow && !failure_; }

  boost::asio::steady_timer wake_;
  WatchBatch batch_;
  std::optional<Error> failure_;
};

}  // namespace usherd::fakes
