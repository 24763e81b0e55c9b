#include "usherd/app/delivery.hpp"

#include "src/app/end_reasons.hpp"
#include "usherd/core/text.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace usherd {
namespace {

/// `operations` cut into `count` pieces of as equal a size as may be, in order.
std::vector<Freezing::Piece> cut(std::size_t operations, std::size_t count, const std::string& reason) {
  std::vector<Freezing::Piece> pieces(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto from = operations * i / count;
    const auto to = operations * (i + 1) / count;
    pieces[i].operations.resize(to - from);
    std::iota(pieces[i].operations.begin(), pieces[i].operations.end(), from);
    pieces[i].rekey_reason = reason;
  }
  return pieces;
}

}  // namespace

Delivery::Delivery(Parts parts)
    : parts_(std::move(parts)),
      places_(parts_.loop, parts_.budget, parts_.batcher),
      sending_(parts_.loop, parts_.sessions + 1) {}

void Delivery::stop() {
  stopping_ = true;
  places_.stop();
  parts_.freezing.stop();
}

void Delivery::set_sessions(std::size_t sessions) {
  sending_.add_places(static_cast<std::ptrdiff_t>(sessions) - static_cast<std::ptrdiff_t>(parts_.sessions));
  parts_.sessions = sessions;
}

boost::asio::awaitable<void> Delivery::forget_unsent() {
  std::vector<BatchId> unsent;
  for (const auto& [id, batch] : active_) {
    if (batch->surely_never_sent())
      unsent.push_back(id);
  }
  if (unsent.empty())
    co_return;
  GroupCommit::Change change = [unsent = std::move(unsent)](Ledger& ledger) -> Result<void> {
    for (const auto id : unsent) {
      if (auto forgotten = ledger.set_sent(id, std::nullopt); !forgotten)
        return forgotten;
    }
    return {};
  };
  static_cast<void>(co_await parts_.ledger.apply(std::move(change)));
}

boost::asio::awaitable<Result<void>> Delivery::recover() {
  co_await parts_.freezing.clear_unborn();
  struct Found {
    std::vector<Batch> batches;
    std::vector<Estate> estates;
  };
  auto question = [](Ledger& ledger) -> Result<Found> {
    Found found;
    const auto visit = [&](BatchRow row) -> Result<void> {
      auto batch = std::make_shared<ActiveBatch>();
      batch->row = std::move(row);
      batch->shares = shares_of(batch->row.manifest);
      for (auto& share : batch->shares)
        share.batch = batch->row.id;
      batch->pack();
      found.batches.push_back(std::move(batch));
      return {};
    };
    if (auto read = ledger.open_batches(visit); !read)
      return read.error();
    auto estates = ledger.estates();
    if (!estates)
      return estates.error();
    found.estates = std::move(*estates);
    return found;
  };
  auto found = co_await parts_.ledger.ask(std::move(question));
  if (!found)
    co_return found.error();
  for (auto& estate : found->estates)
    places_.recover(std::move(estate));
  for (const auto& batch : found->batches) {
    for (const auto& share : batch->shares) {
      const auto number = share.file;
      auto find = [number](Ledger& ledger) { return ledger.file(number); };
      const auto file = co_await parts_.ledger.ask(std::move(find));
      if (!file)
        co_return file.error();
      if (!*file)
        co_return Error{Errc::corrupt,
                        fmt::format("batch {} names file {}, which is unknown", batch->row.id, number)};
      parts_.files.at(parts_.files.open(**file)).progress.found_frozen(share.records);
    }
    places_.recover(*batch);
    adopt(batch);
  }
  if (!found->batches.empty())
    parts_.log.info("taking up {}", counted(found->batches.size(), "unfinished batch", "unfinished batches"));
  co_return Result<void>{};
}

boost::asio::awaitable<void> Delivery::run() {
  const std::vector<std::pair<BatchId, Batch>> taken_up(active_.begin(), active_.end());
  for (const auto& [id, batch] : taken_up)
    parts_.tasks.spawn(carry(batch));
  while (!stopping_) {
    co_await parts_.batcher.wait_due();
    if (stopping_)
      co_return;
    if (!places_.admits_new(parts_.batcher.due_operations())) {
      co_await places_.wait_change();
      continue;
    }
    co_await sending_.acquire();
    SemaphorePlace place(sending_);
    if (stopping_ || !parts_.batcher.is_due() || !places_.admits_new(parts_.batcher.due_operations()))
      continue;
    auto open = parts_.batcher.take();
    places_.take_new(open->records());
    ++freezing_;
    parts_.tasks.spawn(start(std::move(open), std::move(place)));
  }
}

boost::asio::awaitable<void> Delivery::start(std::unique_ptr<OpenBatch> open, SemaphorePlace place) {
  const bool sends_now = !parts_.gate.closed_for(CallKind::post);
  const auto operations = open->records();
  bool is_aside = false;
  Freezing::StepAside step_aside = [this, &is_aside, &place, operations] {
    if (!is_aside && places_.step_aside(operations)) {
      is_aside = true;
      place.release();
    }
    return is_aside;
  };
  const auto batch = co_await parts_.freezing.freeze(std::move(open), sends_now, std::move(step_aside));
  --freezing_;
  if (is_aside)
    places_.step_back(operations);
  if (batch == nullptr)
    co_return;
  batch->has_place = batch->is_posting = !is_aside;
  adopt(batch);
  const bool submitted = co_await submit(batch, [&place] { place.release(); });
  place.release();
  if (submitted)
    co_await carry(batch);
}

boost::asio::awaitable<void> Delivery::carry(Batch batch) {
  while (true) {
    const bool goes_on =
        batch->row.state == BatchState::frozen ? co_await submit(batch, {}) : co_await follow(batch);
    if (!goes_on)
      co_return;
  }
}

boost::asio::awaitable<bool> Delivery::submit(Batch batch, std::function<void()> steps_aside) {
  const bool was_sent = batch->row.sent.has_value();
  if (!was_sent && parts_.submitter.pieces_due(*batch) > 1)
    co_return co_await cut_anew(batch);
  if (!batch->has_place) {
    const bool counted = co_await places_.wait_in_line(*batch);
    // It would only go alone now, which may be never: it is cut anew.
    if (!counted)
      co_return !stopping_;
  }
  Submitter::Hooks hooks;
  hooks.steps_aside = steps_aside;
  hooks.stands_back = [this](ActiveBatch& each, BootTime until) { return stand_back(each, until); };
  hooks.may_leave_key = [this](const ActiveBatch& each) { return may_leave_key(each); };
  const auto result = co_await parts_.submitter.submit(*batch, std::move(hooks));
  // What is divided, or ends, may wait long for the disk.
  if (steps_aside)
    steps_aside();
  switch (result.end) {
    case SubmitEnd::accepted:
      parts_.tally.job_accepted(parts_.timers.now().wall);
      heed_lesson();
      co_return true;
    case SubmitEnd::halve:
      co_return co_await halve(batch, result.key_may_run ? "server_errors" : "");
    case SubmitEnd::rekey:
      co_return co_await give_key_up(batch, "server_errors", kServerErrors);
    case SubmitEnd::expired:
      co_return co_await give_key_up(batch, "key_expired", kKeyExpired);
    case SubmitEnd::reject:
      co_return co_await end_all(batch, OperationEnd::rejected,
                                 BatchVerdict::Why{result.code, result.message});
    case SubmitEnd::give_up:
      co_return co_await end_all(batch, OperationEnd::unknown, kServerErrors);
    case SubmitEnd::file_changed:
      co_return co_await files_changed(batch);
    case SubmitEnd::gives_way:
      co_return co_await give_way(batch);
    case SubmitEnd::unreadable:
      co_return co_await wait_to_be_read(batch, result.pause);
    case SubmitEnd::stopped:
      break;
  }
  co_return false;
}

boost::asio::awaitable<bool> Delivery::stand_back(ActiveBatch& batch, BootTime until) {
  const auto alarm = parts_.timers.alarm(WaitFor::post_again);
  places_.stand_back(batch);
  co_await alarm->wait_until(until);
  co_return co_await places_.step_forward(batch);
}

bool Delivery::may_leave_key(const ActiveBatch& batch) const {
  if (!parts_.budget.is_half_keys())
    return true;
  // One of them is cut down to its end before the others go on, or all would run out of places half-way.
  auto eldest = places_.eldest_with_keys();
  for (const auto& [id, each] : active_) {
    if (each->row.abandoned > 0)
      eldest = std::min(eldest.value_or(each->family()), each->family());
  }
  return !eldest || batch.family() == *eldest;
}

boost::asio::awaitable<bool> Delivery::give_way(Batch batch) {
  const bool durable = co_await forget_send_time(*batch);
  if (durable)
    places_.give_way(*batch);
  co_return durable;
}

boost::asio::awaitable<bool> Delivery::forget_send_time(ActiveBatch& batch) {
  const auto id = batch.row.id;
  GroupCommit::Change change = [id](Ledger& ledger) { return ledger.set_sent(id, std::nullopt); };
  const bool durable = co_await parts_.recorder.record(std::move(change));
  if (durable)
    batch.row.sent.reset();
  co_return durable;
}

boost::asio::awaitable<bool> Delivery::cut_anew(Batch batch) {
  const auto pieces = parts_.submitter.pieces_due(*batch);
  const auto children = co_await divide(batch, cut(batch->operations(), pieces, ""), false);
  for (const auto& child : children)
    parts_.tasks.spawn(carry(child));
  co_return false;
}

void Delivery::heed_lesson() {
  parts_.batcher.learn(parts_.submitter.stats().lesson.most_bytes(parts_.timers.now().boot));
}

boost::asio::awaitable<bool> Delivery::halve(Batch batch, std::string reason) {
  heed_lesson();
  if (!reason.empty())
    parts_.tally.key_given_up(reason);
  const auto children = co_await divide(batch, cut(batch->operations(), 2, reason), !reason.empty());
  for (const auto& child : children) {
    // That one half passes tells that the other is to blame, also when it passes first.
    if (!reason.empty())
      child->accepted_at_first_error = parts_.submitter.stats().accepted;
    parts_.tasks.spawn(carry(child));
  }
  co_return false;
}

boost::asio::awaitable<bool> Delivery::give_key_up(Batch batch, std::string reason, BatchVerdict::Why why) {
  batch->unpack();
  if (!batch->has_anonymous()) {
    parts_.tally.key_given_up(reason);
    batch->is_ending = true;
    const bool durable = co_await parts_.submitter.new_key(*batch, reason);
    batch->is_ending = false;
    batch->reads_results = false;
    places_.changed();
    co_return durable;
  }
  Pieces pieces(2);
  for (std::size_t i = 0; i < batch->row.users.size(); ++i)
    pieces[batch->row.users[i] == 0 ? 1 : 0].operations.push_back(i);
  if (pieces[0].operations.empty())
    co_return co_await end_all(batch, OperationEnd::unknown, why);
  // Those with a user go out under a new key; a record without one would make a second user.
  parts_.tally.key_given_up(reason);
  pieces[0].rekey_reason = std::move(reason);
  const auto children = co_await divide(batch, std::move(pieces), true);
  if (children.empty())
    co_return false;
  parts_.tasks.spawn(carry(children[0]));
  co_return co_await end_all(children[1], OperationEnd::unknown, why);
}

boost::asio::awaitable<std::vector<Delivery::Batch>> Delivery::divide(Batch batch, Pieces pieces,
                                                                      bool key_may_run) {
  batch->unpack();
  batch->is_ending = true;
  const auto estate = Places::estate_of(*batch, key_may_run);
  auto children = co_await parts_.freezing.divide(*batch, std::move(pieces), estate);
  if (!children) {
    if (key_may_run)
      co_await end_all(batch, OperationEnd::unknown, kFileChanged);
    else
      co_await files_changed(batch);
    co_return std::vector<Batch>{};
  }
  if (children->empty())
    co_return *children;
  parts_.tally.batch_divided();
  parts_.log.info("batch {} of {} records divided", batch->row.id, batch->operations());
  const auto ahead = places_.divided(*batch, estate, children->size());
  active_.erase(batch->row.id);
  for (const auto& child : *children) {
    child->ahead = ahead;
    adopt(child);
  }
  co_await remove_merged(batch);
  co_return *children;
}

}  // namespace usherd
