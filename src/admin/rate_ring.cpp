#include "usherd/admin/rate_ring.hpp"

#include <algorithm>

namespace usherd {
namespace {

std::size_t place(std::int64_t slot) {
  return static_cast<std::size_t>(slot) % RateRing::kSlots;
}

double seconds(BootClock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void RateRing::add(BootTime now, std::uint64_t records) {
  const auto slot = std::max(newest_, slot_of(now));
  // Slots in which nothing happened still hold what was there an hour ago.
  const auto stale = std::min<std::int64_t>(slot - newest_, kSlots);
  for (std::int64_t i = 0; i < stale; ++i)
    counts_[place(slot - i)] = 0;
  newest_ = slot;
  counts_[place(slot)] += records;
}

std::uint64_t RateRing::in_slot(std::int64_t slot) const {
  const bool known = slot <= newest_ && slot > newest_ - static_cast<std::int64_t>(kSlots) && slot >= 0;
  return known ? counts_[place(slot)] : 0;
}

double RateRing::rate(BootTime now, std::chrono::seconds window) const {
  const auto last = slot_of(now);
  const auto slots = std::clamp<std::int64_t>(window / kSlot, 1, kSlots - 1);
  std::uint64_t sum = 0;
  for (std::int64_t slot = last - slots; slot <= last; ++slot)
    sum += in_slot(slot);
  // From the begin of the oldest slot until now, so that the slot under way counts for what it is.
  const BootTime from{kSlot * (last - slots)};
  const auto span = seconds(now - std::max(from, started_));
  return static_cast<double>(sum) / std::max(span, 1.0);
}

std::vector<double> RateRing::history(BootTime now, std::size_t points) const {
  const auto step = static_cast<std::int64_t>(kSlots / points);
  // Whole steps only: the one under way would always look like a fall.
  const auto end = slot_of(now) / step * step;
  auto slot = end - step * static_cast<std::int64_t>(points);
  std::vector<double> rates;
  rates.reserve(points);
  for (std::size_t i = 0; i < points; ++i) {
    std::uint64_t sum = 0;
    for (std::int64_t j = 0; j < step; ++j)
      sum += in_slot(slot++);
    rates.push_back(static_cast<double>(sum) / seconds(kSlot * step));
  }
  return rates;
}

}  // namespace usherd
