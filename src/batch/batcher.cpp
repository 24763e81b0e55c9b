#include "usherd/batch/batcher.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace usherd {
namespace {

/// Batches packed ahead of the sender, besides the one that grows.
constexpr std::size_t kFullMost = 2;
/// How far ahead of its use a line of the table of users is fetched.
constexpr std::size_t kPrefetch = 12;

}  // namespace

Batcher::Batcher(const boost::asio::any_io_executor& loop, Timers& timers, BatchLimits limits,
                 std::size_t lookahead)
    : timers_(timers),
      configured_(limits),
      limits_(limits),
      lookahead_(lookahead),
      open_(std::make_unique<OpenBatch>(next_holder_)),
      room_(loop),
      due_(timers.alarm(WaitFor::linger)) {}

Batcher::~Batcher() = default;

bool Batcher::has_room() const {
  return full_.size() < kFullMost && order_.waiting() < lookahead_;
}

boost::asio::awaitable<void> Batcher::place(const CheckedBlock& checked, std::uint32_t file) {
  const auto& records = checked.records;
  auto block = checked.blocks.begin();
  Placed at;
  for (const auto& run : records.runs()) {
    at.offset = run.offset;
    at.line = run.line;
    for (const auto end = at.position + run.records; at.position < end;) {
      while (!has_room())
        co_await room_.wait();
      while (block != checked.blocks.end() && block->end <= at.offset)
        ++block;
      place_some(records.columns(), end, file, block == checked.blocks.end() ? nullptr : &*block, at);
    }
  }
}

/// Places neighbours, up to the first that has to wait, ends the batch or stands in another block.
void Batcher::place_some(const RecordColumns& records, std::size_t end, std::uint32_t file,
                         const BlockBytes* block, Placed& at) {
  const auto from = at;
  const auto block_end = block == nullptr ? std::numeric_limits<std::uint64_t>::max() : block->end;
  const auto holder = open_->holder();
  bool is_full = false;
  auto offer = UserOrder::Offer::taken;
  for (; at.position < end && at.offset < block_end; at.step(records.lengths[at.position])) {
    const auto position = at.position;
    is_full =
        !open_->fits(records.lengths[position], limits_, position - from.position, at.offset - from.offset);
    if (is_full)
      break;
    if (position + kPrefetch < records.size())
      order_.prefetch(records.users[position + kPrefetch]);
    if (records.second(position) == 0 && order_.take_if_free(records.users[position], holder))
      continue;
    auto record = records.at(position);
    record.offset = at.offset;
    record.line = at.line;
    offer = order_.offer(record, file, holder);
    if (offer != UserOrder::Offer::taken)
      break;
  }
  if (at.position > from.position) {
    begin_batch();
    open_->add({records, from.position, at.position - from.position, from.offset, from.line,
                at.offset - from.offset},
               file);
    if (block != nullptr)
      open_->keep(file, *block);
  }
  if (offer == UserOrder::Offer::waits_first)
    open_->add_merge_candidate(records.users[at.position]);
  if (offer != UserOrder::Offer::taken)
    at.step(records.lengths[at.position]);
  if (is_full || open_->records() >= limits_.records)
    close_open_batch();
}

void Batcher::place_single(const QueuedRecord& record) {
  auto single = record.record;
  single.flags = kSingle | (single.flags & kChanged);
  if (!open_->fits(single.length, limits_))
    close_open_batch();
  const auto offer = order_.offer(single, record.file, open_->holder());
  if (offer == UserOrder::Offer::taken)
    add(single, record.file);
  else if (offer == UserOrder::Offer::waits_first)
    open_->add_merge_candidate(single.user);
}

/// Comes before each addition to the open batch.
void Batcher::begin_batch() {
  if (!open_->empty())
    return;
  // Two clocks are read for one record of a batch, not for each.
  open_->begin(limits_.records, timers_.now().boot);
  due_->ring();
}

void Batcher::add(const Record& record, std::uint32_t file) {
  begin_batch();
  open_->add(record, file);
  if (open_->records() >= limits_.records)
    close_open_batch();
}

void Batcher::close_open_batch() {
  if (open_->empty())
    return;
  full_.push_back(std::move(open_));
  if (++next_holder_ == UserOrder::kNobody)
    ++next_holder_;
  open_ = std::make_unique<OpenBatch>(next_holder_);
  due_->ring();
}

void Batcher::pack_ready() {
  // What was released goes first: it is older than anything that is still to be read.
  while (order_.has_ready() && full_.size() < kFullMost) {
    if (!open_->fits(order_.next_ready().record.length, limits_)) {
      close_open_batch();
      continue;
    }
    const auto [record, file] = order_.take_ready(open_->holder());
    if (record.user != 0 && order_.has_waiting(record.user))
      open_->add_merge_candidate(record.user);
    add(record, file);
  }
}

void Batcher::set_flushing(bool flushing) {
  flushing_ = flushing;
  due_->ring();
}

bool Batcher::is_due() {
  if (!full_.empty())
    return true;
  if (open_->empty())
    return false;
  return flushing_ || timers_.now().boot >= open_->due(limits_);
}

boost::asio::awaitable<void> Batcher::wait_due() {
  while (!is_due()) {
    const auto until = open_->empty() ? kNever : open_->due(limits_);
    co_await due_->wait_until(until);
  }
}

std::uint64_t Batcher::due_operations() const {
  return full_.empty() ? open_->records() : full_.front()->records();
}

std::size_t Batcher::kept_blocks() const {
  auto kept = open_->kept();
  for (const auto& batch : full_)
    kept += batch->kept();
  return kept;
}

std::unique_ptr<OpenBatch> Batcher::take() {
  if (full_.empty())
    close_open_batch();
  auto batch = std::move(full_.front());
  full_.pop_front();
  pack_ready();
  room_.notify();
  return batch;
}

void Batcher::release(std::uint64_t key) {
  order_.release(key);
}

void Batcher::put_back(std::uint64_t key, const std::vector<QueuedRecord>& records) {
  auto singles = records;
  for (auto& single : singles)
    single.record.flags = kSingle;
  order_.put_back(key, singles);
}

void Batcher::released() {
  pack_ready();
  order_.give_room_back();
  room_.notify();
}

void Batcher::configure(BatchLimits limits, std::size_t lookahead) {
  configured_ = limits;
  lookahead_ = lookahead;
  set_limits();
  due_->ring();
  room_.notify();
}

void Batcher::learn(std::optional<std::uint64_t> most_bytes) {
  if (std::exchange(learnt_bytes_, most_bytes) == most_bytes)
    return;
  set_limits();
  due_->ring();
}

void Batcher::set_limits() {
  limits_ = configured_;
  if (learnt_bytes_)
    limits_.bytes = std::min(limits_.bytes, *learnt_bytes_);
  if (open_->records() >= limits_.records || open_->body_bytes() > limits_.bytes)
    close_open_batch();
}

bool Batcher::idle() const {
  return full_.empty() && open_->empty() && !order_.has_ready() && order_.waiting() == 0;
}

}  // namespace usherd
