#include "src/app/pause.hpp"

#include "usherd/submit/park_fact.hpp"

#include <array>
#include <utility>

namespace usherd {
namespace {

/// Each is a fact of its name.
constexpr std::array kOutlive{ParkReason::paused, ParkReason::refused};

}  // namespace

Result<void> Pause::restore(Ledger& ledger) {
  for (const auto reason : kOutlive) {
    const auto fact = ledger.fact(to_string(reason));
    if (!fact)
      return fact.error();
    const auto since = parked_since(fact->value_or(""), timers_.now());
    if (since)
      gate_.park_since(reason, *since);
  }
  return {};
}

boost::asio::awaitable<Result<void>> Pause::pause() {
  ++wishes_;
  gate_.park(ParkReason::paused);
  auto fact = park_fact(gate_.parking(), ParkReason::paused, timers_.now());
  GroupCommit::Change change = [fact = std::move(fact)](Ledger& ledger) {
    return ledger.set_fact(to_string(ParkReason::paused), fact);
  };
  auto noted = co_await ledger_.apply(std::move(change));
  if (!noted)
    co_return noted.error().within("paused, but only until the next restart");
  co_return noted;
}

boost::asio::awaitable<Result<void>> Pause::resume() {
  const auto wish = ++wishes_;
  GroupCommit::Change change = [meant = parked_for_()](Ledger& ledger) -> Result<void> {
    for (const auto reason : kOutlive) {
      if (auto cleared = ledger.set_fact(to_string(reason), ""); !cleared)
        return cleared;
    }
    return meant ? meant->note(ledger) : Result<void>{};
  };
  auto noted = co_await ledger_.apply(std::move(change));
  if (!noted)
    co_return noted.error().within("still paused");
  // The disk took its time: a pause that was asked for meanwhile is the later word.
  if (wish == wishes_)
    gate_.clear(ParkReason::paused);
  for (const auto reason : {ParkReason::refused, ParkReason::organisation})
    gate_.clear(reason);
  co_return noted;
}

}  // namespace usherd
