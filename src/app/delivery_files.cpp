#include "src/app/end_reasons.hpp"
#include "usherd/app/delivery.hpp"

namespace usherd {

boost::asio::awaitable<bool> Delivery::wait_to_be_read(Batch batch, Milliseconds pause) {
  const bool durable = co_await forget_send_time(*batch);
  if (!durable)
    co_return false;
  const bool is_aside = places_.step_aside(*batch);
  const auto alarm = parts_.timers.alarm(WaitFor::post_again);
  co_await alarm->wait_until(parts_.timers.now().boot + pause);
  if (is_aside)
    places_.step_back(batch->operations());
  co_return !stopping_;
}

boost::asio::awaitable<bool> Delivery::files_changed(Batch batch) {
  parts_.log.error("batch {}: files of it were changed after they were accepted", batch->row.id);
  // What may have run under its key can neither go out again under it nor under another one.
  if (batch->history.unanswered || batch->row.state != BatchState::frozen)
    co_return co_await end_all(batch, OperationEnd::unknown, kFileChanged);
  batch->unpack();
  batch->is_ending = true;
  const auto estate = Places::estate_of(*batch, false);
  const auto apart = co_await parts_.freezing.set_apart(*batch, estate);
  if (!apart)
    co_return co_await end_all(batch, OperationEnd::unknown, kFileChanged);
  if (apart->stopped)
    co_return false;
  parts_.log.info("batch {}: {} of its {} records changed, the others go on", batch->row.id,
                  apart->changed->operations(), batch->operations());
  apart->rest->ahead = places_.divided(*batch, estate, 2);
  active_.erase(batch->row.id);
  adopt(apart->rest);
  adopt(apart->changed);
  co_await remove_merged(batch);
  parts_.tasks.spawn(carry(apart->rest));
  co_return co_await end_all(apart->changed, OperationEnd::unknown, kFileChanged);
}

}  // namespace usherd
