#include "src/app/pause.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace usherd {
namespace {

constexpr std::string_view kYes = "yes";
/// Each is a fact of its name.
constexpr std::array kOutlive{ParkReason::paused, ParkReason::refused};

}  // namespace

Result<void> Pause::restore(Ledger& ledger) {
  for (const auto reason : kOutlive) {
    const auto fact = ledger.fact(to_string(reason));
    if (!fact)
      return fact.error();
    if (*fact && **fact == kYes)
      gate_.park(reason);
  }
  return {};
}

boost::asio::awaitable<Result<void>> Pause::pause() {
  ++wishes_;
  gate_.park(ParkReason::paused);
  GroupCommit::Change change = [](Ledger& ledger) {
    return ledger.set_fact(to_string(ParkReason::paused), kYes);
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
