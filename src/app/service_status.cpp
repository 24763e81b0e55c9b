#include "usherd/app/service_status.hpp"

#include "usherd/core/text.hpp"
#include "usherd/core/units.hpp"

#include <fmt/format.h>

#include <chrono>

namespace usherd {
namespace {

using namespace std::chrono_literals;

constexpr auto kWindow = 60s;
/// Points closer together than this count as one.
constexpr auto kStep = 1s;

std::string in_seconds(BootClock::duration time) {
  return format_duration(std::chrono::duration_cast<std::chrono::seconds>(time));
}

std::string backlog(const ServiceFacts& facts) {
  return counted(facts.files, "file", "files") + " waiting";
}

std::string named(const std::vector<ParkReason>& reasons) {
  std::vector<std::string_view> names;
  for (const auto reason : reasons)
    names.push_back(to_string(reason));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string status_line(const ServiceFacts& facts) {
  if (facts.phase == ServicePhase::starting)
    return "starting: taking up what an earlier run left";
  if (facts.phase == ServicePhase::stopping)
    return fmt::format("stopping: {} under way", counted(facts.exchanges, "exchange", "exchanges"));
  const auto* verb = facts.phase == ServicePhase::draining ? "draining" : "delivering";
  if (!facts.parked.empty())
    return fmt::format("parked: {} for {}; {}", named(facts.parked), in_seconds(facts.parked_for),
                       backlog(facts));
  if (facts.files == 0 && facts.batches == 0)
    return fmt::format("{}: nothing to do", verb);
  if (facts.silent_for > 0s)
    return fmt::format("{}: the API has not answered for {}; {}", verb, in_seconds(facts.silent_for),
                       backlog(facts));
  if (facts.held_for > 1s)
    return fmt::format("{}: waiting {} for the API's rate limit (429); {}", verb, in_seconds(facts.held_for),
                       backlog(facts));
  return fmt::format("{} {:.0f} records/s; {} in progress; {}", verb, facts.records_per_second,
                     counted(facts.batches, "batch", "batches"), backlog(facts));
}

void RateMeter::note(std::uint64_t total, BootTime now) {
  if (points_.size() > 1 && now - points_[points_.size() - 2].at < kStep)
    points_.back() = {now, total};
  else
    points_.push_back({now, total});
  while (points_.size() > 2 && now - points_[1].at >= kWindow)
    points_.pop_front();
}

double RateMeter::per_second() const {
  if (points_.size() < 2)
    return 0;
  const std::chrono::duration<double> span = points_.back().at - points_.front().at;
  if (span.count() <= 0)
    return 0;
  return static_cast<double>(points_.back().total - points_.front().total) / span.count();
}

}  // namespace usherd
