#include "src/spool/lanes.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace usherd {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kLanes = 8;
constexpr std::size_t kPiece = 8;

struct Pieces {
  std::size_t next = 0;
  std::size_t count = 0;
  std::function<void(std::size_t, std::size_t)> work;
};

asio::awaitable<void> lane(Workers workers, std::shared_ptr<Pieces> pieces) {
  while (pieces->next < pieces->count) {
    const auto from = pieces->next;
    const auto to = std::min(from + kPiece, pieces->count);
    pieces->next = to;
    auto job = [pieces, from, to] {
      pieces->work(from, to);
      return true;
    };
    co_await workers.run(std::move(job));
  }
}

}  // namespace

asio::awaitable<void> in_lanes(Workers workers, std::size_t count,
                               std::function<void(std::size_t, std::size_t)> work) {
  auto pieces = std::make_shared<Pieces>();
  pieces->count = count;
  pieces->work = std::move(work);
  const auto loop = co_await asio::this_coro::executor;
  using Lane = decltype(asio::co_spawn(loop, lane(workers, pieces), asio::deferred));
  std::vector<Lane> lanes;
  const auto wanted = std::min(kLanes, (count + kPiece - 1) / kPiece);
  for (std::size_t number = 0; number < wanted; ++number)
    lanes.push_back(asio::co_spawn(loop, lane(workers, pieces), asio::deferred));
  if (lanes.empty())
    co_return;
  auto group = asio::experimental::make_parallel_group(std::move(lanes));
  const auto [order, failures] =
      co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const auto& failure : failures) {
    if (failure)
      std::rethrow_exception(failure);
  }
}

}  // namespace usherd
