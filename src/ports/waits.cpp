#include "usherd/ports/waits.hpp"

#include "usherd/ports/timers.hpp"

namespace usherd {

std::string_view to_string(WaitFor what) {
  constexpr std::array<std::string_view, kWaitsFor> names{
      "unnamed", "intake",     "memory",   "linger", "budget",   "gate",        "exchange",  "post_again",
      "poll",    "page_again", "identity", "disk",   "settling", "supervision", "heartbeat", "operators"};
  return names[static_cast<std::size_t>(what)];
}

Waits::All::iterator Waits::add(WaitFor what, BootTime due) {
  if (due != kNever)
    ++timed_[static_cast<std::size_t>(what)];
  return waits_.emplace(due, what);
}

void Waits::remove(All::iterator wait) {
  if (wait->first != kNever)
    --timed_[static_cast<std::size_t>(wait->second)];
  waits_.erase(wait);
}

Waits::Noted::Noted(Waits& waits, WaitFor what, BootTime due) : waits_(waits), at_(waits.add(what, due)) {}

Waits::Noted::~Noted() {
  waits_.remove(at_);
}

void Waits::Noted::move_to(BootTime due) {
  const auto what = at_->second;
  waits_.remove(at_);
  at_ = waits_.add(what, due);
}

std::optional<Waits::Due> Waits::first() const {
  const auto first = waits_.begin();
  if (first == waits_.end() || first->first == kNever)
    return std::nullopt;
  return Due{first->first, first->second};
}

}  // namespace usherd
