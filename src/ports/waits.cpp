#include "usherd/ports/waits.hpp"

#include "usherd/ports/timers.hpp"

namespace usherd {

std::string_view to_string(WaitFor what) {
  constexpr std::array<std::string_view, kWaitsFor> names{
      "unnamed",    "intake",   "linger", "budget",   "gate",        "exchange",  "post_again", "poll",
      "page_again", "identity", "disk",   "settling", "supervision", "heartbeat", "operators"};
  return names[static_cast<std::size_t>(what)];
}

Waits::Noted::Noted(Waits& waits, WaitFor what, BootTime due)
    : waits_(waits), at_(waits.waits_.emplace(due, what)) {
  if (due != kNever)
    ++waits_.timed_[static_cast<std::size_t>(what)];
}

Waits::Noted::~Noted() {
  if (at_->first != kNever)
    --waits_.timed_[static_cast<std::size_t>(at_->second)];
  waits_.waits_.erase(at_);
}

std::optional<Waits::Due> Waits::first() const {
  const auto first = waits_.begin();
  if (first == waits_.end() || first->first == kNever)
    return std::nullopt;
  return Due{first->first, first->second};
}

}  // namespace usherd
