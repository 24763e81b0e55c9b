#include "usherd/app/heartbeat.hpp"

#include "usherd/core/units.hpp"

#include <fmt/format.h>

#include <chrono>

namespace usherd {
namespace {

std::string words_of(BootClock::duration time) {
  return format_duration(std::chrono::duration_cast<Milliseconds>(time));
}

}  // namespace

void Heartbeat::sent(Probe probe, BootTime now) {
  probes_[static_cast<std::size_t>(probe)] = now;
}

void Heartbeat::answered(Probe probe) {
  probes_[static_cast<std::size_t>(probe)].reset();
}

Heartbeat::Cause Heartbeat::cause(const VitalSigns& signs, BootTime now) const {
  const auto unanswered = [&](Probe probe) { return at(probe) && now - *at(probe) > limits_.answer; };
  if (unanswered(Probe::workers))
    return Cause::workers;
  if (unanswered(Probe::ledger))
    return Cause::ledger;
  if (signs.ledger_answered < commit_goal_ && now - commit_since_ > limits_.answer)
    return Cause::commit;
  if (signs.first_due && now - signs.first_due->at > limits_.late)
    return Cause::overdue;
  const bool works = signs.jobs > 0 || signs.ledger_asked > signs.ledger_answered;
  if (signs.unfinished && !works && !signs.stands_still && signs.delivery_waits == 0)
    return Cause::delivery;
  if (signs.takes_files && !works && signs.intake_waits == 0)
    return Cause::intake;
  return Cause::none;
}

std::string Heartbeat::words(Cause cause, const VitalSigns& signs, BootTime now) const {
  switch (cause) {
    case Cause::none:
      break;
    case Cause::workers:
      return fmt::format("the workers have not answered for {}", words_of(now - *at(Probe::workers)));
    case Cause::ledger:
      return fmt::format("the ledger has not answered for {}", words_of(now - *at(Probe::ledger)));
    case Cause::commit:
      return fmt::format("{} changes of the ledger are neither durable nor refused after {}",
                         commit_goal_ - signs.ledger_answered, words_of(now - commit_since_));
    case Cause::overdue:
      return fmt::format("a wait ({}) is overdue by {}", to_string(signs.first_due->what),
                         words_of(now - signs.first_due->at));
    case Cause::delivery:
      return "records are on their way, and nothing with a due time is waited for";
    case Cause::intake:
      return "nothing will look into incoming/ again";
  }
  return {};
}

std::optional<std::string> Heartbeat::beat(const VitalSigns& signs, BootTime now) {
  if (signs.ledger_answered >= commit_goal_) {
    commit_goal_ = signs.ledger_asked;
    commit_since_ = now;
  }
  const auto found = cause(signs, now);
  const bool again = found != Cause::none && found == last_;
  last_ = found;
  if (!again)
    return std::nullopt;
  return words(found, signs, now);
}

}  // namespace usherd
