#pragma once

#include "usherd/ports/event.hpp"
#include "usherd/submit/in_progress_budget.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <utility>

namespace usherd {

/// POSTs under way: any number, but one at a time while neighbours share the organisation's limits. When one
/// of several is refused, all of them are. Event loop only; must outlive its turns.
class PostTurns {
 public:
  class Turn {
   public:
    explicit Turn(PostTurns& turns) : turns_(&turns) { ++turns_->under_way_; }
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_ == nullptr)
        return;
      --turns_->under_way_;
      turns_->ended_.notify();
    }

   private:
    PostTurns* turns_;
  };

  PostTurns(const boost::asio::any_io_executor& loop, const InProgressBudget& budget)
      : budget_(budget), ended_(loop) {}

  /// Throws operation_aborted when the waiting coroutine is cancelled.
  [[nodiscard]] boost::asio::awaitable<Turn> take() {
    while (under_way_ > 0 && budget_.is_shared())
      co_await ended_.wait();
    co_return Turn(*this);
  }

 private:
  const InProgressBudget& budget_;
  Event ended_;
  std::size_t under_way_ = 0;
};

}  // namespace usherd
