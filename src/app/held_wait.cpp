#include "src/app/held_wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace usherd {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::string_view kFact = "retry_after";

/// The fact: "wall boot length boot-id", times in milliseconds.
struct Noted {
  WallTime wall{};        ///< when it ends
  milliseconds boot{};    ///< the same by the clock of that boot
  milliseconds length{};  ///< what was left of it when it was noted
  std::string boot_id;
};

std::optional<milliseconds> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size() || *end != ' ')
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return milliseconds(number);
}

std::optional<Noted> parse(std::string_view text) {
  const auto wall = take_number(text);
  const auto boot = wall ? take_number(text) : std::nullopt;
  const auto length = boot ? take_number(text) : std::nullopt;
  if (!length)
    return std::nullopt;
  return Noted{WallTime(*wall), *boot, *length, std::string(text)};
}

}  // namespace

HeldWait::HeldWait(GroupCommit& ledger, RequestGate& gate, TaskGroup& tasks, Timers& timers,
                   std::string boot_id)
    : ledger_(ledger), gate_(gate), tasks_(tasks), timers_(timers), boot_id_(std::move(boot_id)) {
  gate_.on_hold([this] { held(); });
}

Result<void> HeldWait::restore(Ledger& ledger) {
  const auto fact = ledger.fact(kFact);
  if (!fact)
    return fact.error();
  const auto noted = *fact ? parse(**fact) : std::nullopt;
  if (!noted)
    return {};
  const auto now = timers_.now();
  const milliseconds left =
      noted->boot_id == boot_id_
          ? noted->boot - duration_cast<milliseconds>(now.boot.time_since_epoch())
          // Calendar time alone spans two boots, and may have been set meanwhile.
          : std::min(noted->length, duration_cast<milliseconds>(noted->wall - now.wall));
  noted_ = now.boot + left;
  gate_.hold_until(noted_);
  return {};
}

void HeldWait::held() {
  // Also while we are stopping: what was under way may be told to wait, and the next start would not know.
  if (noting_ || gate_.held_until() <= noted_)
    return;
  noting_ = true;
  tasks_.spawn(note());
}

boost::asio::awaitable<void> HeldWait::note() {
  while (gate_.held_until() > noted_) {
    noted_ = gate_.held_until();
    const auto now = timers_.now();
    const auto left = duration_cast<milliseconds>(noted_ - now.boot);
    auto text =
        fmt::format("{} {} {} {}", (now.wall + left).time_since_epoch().count(),
                    duration_cast<milliseconds>(noted_.time_since_epoch()).count(), left.count(), boot_id_);
    GroupCommit::Change change = [text = std::move(text)](Ledger& ledger) {
      return ledger.set_fact(kFact, text);
    };
    // A disk that is full has its own alarms: what is lost here is obeyed until a restart.
    static_cast<void>(co_await ledger_.apply(std::move(change)));
  }
  noting_ = false;
}

}  // namespace usherd
