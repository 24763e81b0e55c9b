#include "usherd/batch/batcher.hpp"

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
  for (std::size_t i = 0; i < records.size(); ++i) {
    while (!has_room())
      co_await room_.wait();
    if (i + kPrefetch < records.size())
      order_.prefetch(records[i + kPrefetch].user);
    while (block != checked.blocks.end() && block->end <= records[i].offset)
      ++block;
    put(QueuedRecord{records[i], file}, block == checked.blocks.end() ? nullptr : &*block);
  }
}

void Batcher::place_single(const QueuedRecord& record) {
  auto single = record;
  single.record.flags = kSingle | (record.record.flags & kChanged);
  put(single, nullptr);
}

void Batcher::put(const QueuedRecord& record, const BlockBytes* block) {
  if (!open_->fits(record.record.length, limits_))
    close_open_batch();
  const auto offer = order_.offer(record, open_->holder());
  if (offer == UserOrder::Offer::taken)
    add(record, block);
  else if (offer == UserOrder::Offer::waits_first)
    open_->add_merge_candidate(record.record.user);
}

void Batcher::add(const QueuedRecord& record, const BlockBytes* block) {
  const bool first = open_->empty();
  // Two clocks are read for one record of a batch, not for each.
  if (first)
    open_->begin(limits_.records, timers_.now().boot);
  open_->add(record);
  if (block != nullptr)
    open_->keep(record.file, *block);
  if (first || open_->records() >= limits_.records)
    due_->ring();
  if (open_->records() >= limits_.records)
    close_open_batch();
}

void Batcher::close_open_batch() {
  if (open_->empty())
    return;
  full_.push_back(std::move(open_));
  if (++next_holder_ == UserOrder::kNobody)
    ++next_holder_;
  if (spare_ == nullptr)
    spare_ = std::make_unique<OpenBatch>(next_holder_);
  open_ = std::move(spare_);
  open_->renew(next_holder_);
  due_->ring();
}

void Batcher::pack_ready() {
  // What was released goes first: it is older than anything that is still to be read.
  while (order_.has_ready() && full_.size() < kFullMost) {
    if (!open_->fits(order_.next_ready().record.length, limits_)) {
      close_open_batch();
      continue;
    }
    const auto record = order_.take_ready(open_->holder());
    if (record.record.user != 0 && order_.has_waiting(record.record.user))
      open_->add_merge_candidate(record.record.user);
    add(record, nullptr);
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
  limits_ = limits;
  lookahead_ = lookahead;
  if (open_->records() >= limits_.records)
    close_open_batch();
  due_->ring();
  room_.notify();
}

bool Batcher::idle() const {
  return full_.empty() && open_->empty() && !order_.has_ready() && order_.waiting() == 0;
}

}  // namespace usherd
