#include "src/app/pause.hpp"

#include <string_view>
#include <utility>

namespace usherd {
namespace {

constexpr std::string_view kFact = "paused";
constexpr std::string_view kYes = "yes";

}  // namespace

Result<void> Pause::restore(Ledger& ledger) {
  const auto fact = ledger.fact(kFact);
  if (!fact)
    return fact.error();
  if (*fact && **fact == kYes)
    gate_.park(ParkReason::paused);
  return {};
}

boost::asio::awaitable<Result<void>> Pause::note(bool paused) {
  GroupCommit::Change change = [paused](Ledger& ledger) {
    return ledger.set_fact(kFact, paused ? kYes : "");
  };
  co_return co_await ledger_.apply(std::move(change));
}

boost::asio::awaitable<Result<void>> Pause::pause() {
  gate_.park(ParkReason::paused);
  auto noted = co_await note(true);
  if (!noted)
    co_return noted.error().within("paused, but only until the next restart");
  co_return noted;
}

boost::asio::awaitable<Result<void>> Pause::resume() {
  auto noted = co_await note(false);
  if (!noted)
    co_return noted.error().within("still paused");
  for (const auto reason : {ParkReason::paused, ParkReason::refused, ParkReason::organisation})
    gate_.clear(reason);
  co_return noted;
}

}  // namespace usherd
