#include "usherd/app/identity.hpp"

#include "usherd/core/text.hpp"
#include "usherd/submit/api_answer.hpp"

namespace usherd {

boost::asio::awaitable<void> Identity::check(bool work_is_unfinished) {
  ApiRequest request;
  request.call = Call::me;
  request.target = "/me";
  const auto reply = co_await api_.call(std::move(request));
  if (reply.stopped || reply.exchange.failure)
    co_return;
  if (reply.exchange.status != 200) {
    log_.info("GET /me answers {}: the key's organisation and role stay unknown", reply.exchange.status);
    co_return;
  }
  const auto me = parse_me(reply.exchange.body);
  if (!me)
    co_return;
  role_ = me->role;
  if (!errors_are_readable())
    log_.warn("the key's role is {}: it cannot read why records fail; batches with errors will end unknown",
              printable(role_, 32));
  if (!me->org_id.empty())
    co_await compare(me->org_id, work_is_unfinished);
}

boost::asio::awaitable<void> Identity::compare(std::string org_id, bool work_is_unfinished) {
  auto known = [](Ledger& ledger) { return ledger.fact("org_id"); };
  const auto before = co_await ledger_.ask(std::move(known));
  const bool differs = before && *before && **before != org_id;
  if (differs && work_is_unfinished) {
    log_.error(
        "the key belongs to another organisation than the unfinished work in the spool; put the old key "
        "back, "
        "or finish that work first");
    api_.gate().park(ParkReason::organisation);
    co_return;
  }
  api_.gate().clear(ParkReason::organisation);
  if (before && *before && !differs)
    co_return;
  GroupCommit::Change change = [org_id, base_url = base_url_](Ledger& ledger) -> Result<void> {
    if (auto set = ledger.set_fact("base_url", base_url); !set)
      return set;
    return ledger.set_fact("org_id", org_id);
  };
  const auto stored = co_await ledger_.apply(std::move(change));
  if (!stored)
    log_.warn("the organisation could not be noted: {}", stored.error().message);
}

}  // namespace usherd
