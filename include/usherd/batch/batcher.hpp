#pragma once

#include "usherd/batch/open_batch.hpp"
#include "usherd/batch/open_files.hpp"
#include "usherd/batch/user_order.hpp"
#include "usherd/ports/event.hpp"
#include "usherd/ports/timers.hpp"
#include "usherd/validate/block_reader.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>

namespace usherd {

/// Packs records into batches: takes what order allows, lets the rest wait, and makes the reader wait when
/// enough is packed or too much waits. Touches no disk. Event loop only.
class Batcher {
 public:
  Batcher(const boost::asio::any_io_executor& loop, Timers& timers, BatchLimits limits,
          std::size_t lookahead);
  ~Batcher();

  // The reader's side.
  /// Places the records of a file (its slot) in acceptance order; waits where there is no room.
  [[nodiscard]] boost::asio::awaitable<void> place(const CheckedBlock& checked, std::uint32_t file);
  /// Places a record that must go by itself, taken from the ledger at start.
  void place_single(const QueuedRecord& record);
  /// Nothing more will be read for now: what is packed need not linger (set by drain when its input is read).
  void set_flushing(bool flushing);

  // The sender's side.
  /// Waits until a batch is full or has lingered.
  [[nodiscard]] boost::asio::awaitable<void> wait_due();
  [[nodiscard]] bool is_due();
  /// Operations of the batch that take() would give now.
  [[nodiscard]] std::uint64_t due_operations() const;
  [[nodiscard]] std::unique_ptr<OpenBatch> take();

  // The end of a batch.
  void release(std::uint64_t key);
  /// Queues records of `key` in front of all that wait for it; they go out by themselves.
  void put_back(std::uint64_t key, const std::vector<QueuedRecord>& records);
  /// After a round of release() and put_back(): packs what became ready.
  void released();

  /// Blocks of files that stay in memory for what is packed and was not taken.
  [[nodiscard]] std::size_t kept_blocks() const;

  void configure(BatchLimits limits, std::size_t lookahead);
  /// Bodies larger than that do not get through, whatever is configured; nothing: nobody knows of any such.
  void learn(std::optional<std::uint64_t> most_bytes);
  /// What holds: as configured, and no more bytes than learnt.
  [[nodiscard]] const BatchLimits& limits() const { return limits_; }
  [[nodiscard]] std::size_t lookahead() const { return lookahead_; }
  [[nodiscard]] UserOrder& order() { return order_; }
  /// Nothing is packed, ready or waiting.
  [[nodiscard]] bool idle() const;

 private:
  [[nodiscard]] bool has_room() const;
  /// How far a block of a file is placed: the next of its records.
  struct Placed {
    std::size_t position = 0;
    std::uint64_t offset = 0;
    std::uint64_t line = 0;

    void step(std::uint32_t length) {
      ++position;
      offset += length + 1ULL;
      ++line;
    }
  };
  /// `block`: in which they stand; null where that is not in memory any more.
  void place_some(const RecordColumns& records, std::size_t end, std::uint32_t file, const BlockBytes* block,
                  Placed& at);
  void begin_batch();
  void set_limits();
  void add(const Record& record, std::uint32_t file);
  void close_open_batch();
  void pack_ready();

  Timers& timers_;
  BatchLimits configured_;
  std::optional<std::uint64_t> learnt_bytes_;
  BatchLimits limits_;
  std::size_t lookahead_;
  UserOrder order_;
  UserOrder::Holder next_holder_ = 1;
  std::unique_ptr<OpenBatch> open_;
  std::deque<std::unique_ptr<OpenBatch>> full_;
  bool flushing_ = false;
  Event room_;
  std::unique_ptr<Alarm> due_;
};

}  // namespace usherd
