#include "usherd/app/identity.hpp"

#include "usherd/core/backoff.hpp"
#include "usherd/core/text.hpp"
#include "usherd/submit/api_answer.hpp"

#include <algorithm>

namespace usherd {
namespace {

constexpr Milliseconds kFirstBackoff{500};
constexpr Milliseconds kMostBackoff{60'000};
constexpr Milliseconds kFirstPace{2000};
constexpr Milliseconds kSlowestPace{60'000};

}  // namespace

Result<void> Organisation::note(Ledger& ledger) const {
  if (auto set = ledger.set_fact("base_url", base_url); !set)
    return set;
  return ledger.set_fact("org_id", org_id);
}

Identity::Identity(Parts parts)
    : parts_(std::move(parts)), alarm_(parts_.timers.alarm(WaitFor::identity)), pace_(kFirstPace) {}

void Identity::key_changed() {
  asked_ = again_ = false;
  pace_ = kFirstPace;
  // Nothing more goes out under a key of which nobody knows whose it is.
  parts_.api.gate().hold_for_identity(true);
  alarm_->ring();
}

void Identity::moved(std::string base_url) {
  parts_.base_url = std::move(base_url);
  key_changed();
}

std::optional<Organisation> Identity::parked_for() const {
  if (!parts_.api.gate().parking().holds(ParkReason::organisation))
    return std::nullopt;
  return Organisation{foreign_, parts_.base_url};
}

boost::asio::awaitable<void> Identity::run() {
  Backoff backoff(kFirstBackoff, kMostBackoff);
  RequestGate& gate = parts_.api.gate();
  gate.hold_for_identity(true);
  while (!gate.is_closed()) {
    if (asked_) {
      gate.hold_for_identity(false);
      backoff = Backoff(kFirstBackoff, kMostBackoff);
      co_await wait_for_change();
      continue;
    }
    const bool risky = co_await may_go_astray();
    gate.hold_for_identity(risky);
    asked_ = true;
    const bool settled = co_await ask();
    // The key may have changed while the answer was under way.
    asked_ = asked_ && settled;
    if (!settled && !gate.is_closed())
      co_await alarm_->wait_until(parts_.timers.now().boot + backoff.next(parts_.random));
  }
}

boost::asio::awaitable<void> Identity::wait_for_change() {
  const auto& parking = parts_.api.gate().parking();
  if (!parking.holds(ParkReason::organisation)) {
    pace_ = kFirstPace;
    co_await alarm_->wait_until(kNever);
    co_return;
  }
  co_await alarm_->wait_until(parts_.timers.now().boot + pace_);
  // An operator may have resumed meanwhile, or another key come.
  if (!asked_ || !parking.holds(ParkReason::organisation))
    co_return;
  pace_ = std::min(2 * pace_, kSlowestPace);
  asked_ = false;
  again_ = true;
  parts_.api.reread_key();
}

boost::asio::awaitable<bool> Identity::may_go_astray() {
  auto question = [](Ledger& ledger) -> Result<bool> {
    const auto known = ledger.fact("org_id");
    if (!known)
      return known.error();
    const auto open = ledger.open_files(0, 1);
    if (!open)
      return open.error();
    return known->has_value() && !open->empty();
  };
  const auto risky = co_await parts_.ledger.ask(std::move(question));
  co_return !risky || *risky;
}

boost::asio::awaitable<bool> Identity::ask() {
  ApiRequest request;
  request.call = Call::me;
  request.target = "/me";
  const auto reply = co_await parts_.api.call(std::move(request));
  const auto status = reply.exchange.status;
  const auto& failure = reply.exchange.failure;
  const bool unreadable = reply.exchange.is_garbage();
  if (reply.stopped || (failure && !unreadable) || status == 401 || status == 429)
    co_return false;
  if (unreadable || status != 200) {
    parts_.log.info("GET /me: {}: the key's organisation and role stay unknown",
                    unreadable ? failure->message : std::to_string(status));
    co_await warn_if_moved();
    co_return true;
  }
  const auto me = parse_me(reply.exchange.body);
  if (!me) {
    co_await warn_if_moved();
    co_return true;
  }
  role_ = me->role;
  if (!errors_are_readable())
    parts_.log.warn(
        "the key's role is {}: it cannot read why records fail; batches with errors will end unknown",
        printable(role_, 32));
  if (me->org_id.empty())
    co_await warn_if_moved();
  else
    co_await compare(me->org_id);
  co_return true;
}

boost::asio::awaitable<void> Identity::warn_if_moved() {
  auto address = [](Ledger& ledger) { return ledger.fact("base_url"); };
  const auto known = co_await parts_.ledger.ask(std::move(address));
  const bool moved = known && *known && **known != parts_.base_url;
  if (!moved || warned_of_ == parts_.base_url)
    co_return;
  const bool work_is_unfinished = co_await may_go_astray();
  if (!work_is_unfinished)
    co_return;
  warned_of_ = parts_.base_url;
  parts_.log.warn(
      "unfinished work that was begun for {} now goes to {}, and nobody could tell whether that is the same "
      "organisation; if it is another one, stop usherd and put the old api.base_url back",
      printable(**known), printable(parts_.base_url));
}

boost::asio::awaitable<void> Identity::compare(std::string org_id) {
  auto known = [](Ledger& ledger) { return ledger.fact("org_id"); };
  const auto before = co_await parts_.ledger.ask(std::move(known));
  auto address = [](Ledger& ledger) { return ledger.fact("base_url"); };
  const auto asked_before = co_await parts_.ledger.ask(std::move(address));
  const bool moved = asked_before && *asked_before && **asked_before != parts_.base_url;
  const bool differs = before && *before && **before != org_id;
  RequestGate& gate = parts_.api.gate();
  const bool work_is_unfinished = co_await may_go_astray();
  if (differs && work_is_unfinished) {
    // Whoever resumed while it was asked again means this key.
    if (again_ && !gate.parking().holds(ParkReason::organisation))
      co_return;
    if (!again_)
      parts_.log.error(
          "the key belongs to another organisation than the unfinished work in the spool; put the old key "
          "back, or finish that work first");
    foreign_ = org_id;
    gate.park(ParkReason::organisation);
    // That was for the key before: this one is good, and nothing finds out more while it stands still.
    gate.clear(ParkReason::credentials);
    co_return;
  }
  gate.clear(ParkReason::organisation);
  if (before && *before && !differs && !moved)
    co_return;
  GroupCommit::Change change = [now = Organisation{org_id, parts_.base_url}](Ledger& ledger) {
    return now.note(ledger);
  };
  const auto stored = co_await parts_.ledger.apply(std::move(change));
  if (!stored)
    parts_.log.warn("the organisation could not be noted: {}", stored.error().message);
}

}  // namespace usherd
