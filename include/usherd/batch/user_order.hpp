#pragma once

#include "usherd/batch/queued_record.hpp"
#include "usherd/batch/user_table.hpp"
#include "usherd/core/chunks.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <unordered_map>
#include <vector>

namespace usherd {

/// Keeps each user in at most one unfinished batch, and each user's updates in acceptance order. A key is
/// held from the moment a record of it is taken until release(); later records of that key wait in a queue of
/// their own, on disk but for 20 bytes each. A record with two keys waits until it is first for both. Pure;
/// knows no batch.
class UserOrder {
 public:
  /// Names who holds a key: a batch being formed, or none in particular. Names come round: one that is long
  /// formed may go by the same.
  using Holder = std::uint8_t;
  static constexpr Holder kNobody = 0;

  enum class Offer : std::uint8_t {
    taken,        ///< its keys were free and are now held
    waits,        ///< queued
    waits_first,  ///< queued as the first behind a key that `holder` itself holds: a candidate for merging
  };

  /// Offers the next record in acceptance order, which stands in `file`.
  Offer offer(const Record& record, std::uint32_t file, Holder holder);
  Offer offer(const QueuedRecord& queued, Holder holder) { return offer(queued.record, queued.file, holder); }
  /// The quick way of offer() for a record with one key or none: whether that was free, and is held now.
  bool take_if_free(std::uint64_t key, Holder holder) {
    Place place;
    return key == 0 || !table_.find_or_insert(key, holder, place);
  }
  /// Queues records in front of all that wait behind `key`, in their order; the key must be held. They have
  /// one key.
  void put_back(std::uint64_t key, const std::vector<QueuedRecord>& records);
  /// Holds a key without a record: for batches found in the ledger at start.
  void hold(std::uint64_t key);
  /// Frees a key; the first record behind it, if any, moves on.
  void release(std::uint64_t key);
  /// Brings the table's line for `key` into the cache ahead of offer() or release().
  void prefetch(std::uint64_t key) const { table_.prefetch(key); }

  /// Records whose turn has come, oldest release first.
  [[nodiscard]] bool has_ready() const { return !ready_.empty(); }
  [[nodiscard]] const QueuedRecord& next_ready() const { return ready_.front(); }
  /// Takes it; its keys are then held by `holder`.
  QueuedRecord take_ready(Holder holder);

  /// Whether records wait behind a held key.
  [[nodiscard]] bool has_waiting(std::uint64_t key) const;
  /// Up to `most` records that wait behind `key`, oldest first; stops before one that has two keys.
  [[nodiscard]] std::vector<QueuedRecord> waiting_behind(std::uint64_t key, std::size_t most) const;
  /// Forgets the first `count` of these: they were merged into the one that holds the key.
  void drop_waiting(std::uint64_t key, std::size_t count);

  /// Records queued, ready ones not counted.
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  [[nodiscard]] std::size_t held_keys() const { return table_.size(); }
  /// Bytes for keys and queues, about.
  [[nodiscard]] std::size_t memory() const { return table_.memory() + nodes_.memory(); }
  /// The same once the table has doubled.
  [[nodiscard]] std::size_t next_memory() const { return table_.next_memory() + nodes_.memory(); }
  /// Gives back what a past crowd of users took, if few are left of it.
  void give_room_back() { table_.give_room_back(); }

 private:
  using Place = UserTable::Place;
  /// Packed, as there may be a million of them.
  struct Node {
    std::uint32_t offset_low;  // of the record; of a shadow: its primary node
    std::uint32_t line;
    std::uint32_t next;
    std::uint32_t length : 21;  // a record is at most 1 MiB
    std::uint32_t offset_middle : 11;
    std::uint32_t offset_high : 5;
    std::uint32_t file : 20;
    std::uint32_t is_mergeable : 1;
    std::uint32_t is_single : 1;
    std::uint32_t is_changed : 1;
    std::uint32_t is_shadow : 1;  // stands for the second key of another node
    std::uint32_t has_pair : 1;   // of a record that has two keys
  };
  static_assert(sizeof(Node) == 20);
  /// The keys of a record that has two, and how many of them it still waits for.
  struct Pair {
    std::uint64_t first;
    std::uint64_t second;
    unsigned missing;
  };

  [[nodiscard]] static Node node_of(const QueuedRecord& record);
  std::uint32_t keep_node(const Node& node);
  std::uint32_t make_node(const QueuedRecord& record);
  std::uint32_t make_shadow(std::uint32_t primary);
  void free_node(std::uint32_t node);
  /// Where a key stands that is held.
  [[nodiscard]] Place held(std::uint64_t key) const;
  void push_back(const Place& place, std::uint32_t node);
  std::uint32_t pop_front(const Place& place);
  [[nodiscard]] QueuedRecord record_of(std::uint64_t key, std::uint32_t node) const;
  bool offer_pair(const QueuedRecord& record, Holder holder);
  void grant(std::uint64_t key, std::uint32_t node);

  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  UserTable table_;  ///< of held keys; a tail is the last node of a circular list
  Chunks<Node> nodes_;
  std::uint32_t free_ = kNone;
  std::size_t waiting_ = 0;
  std::deque<QueuedRecord> ready_;
  std::unordered_map<std::uint32_t, Pair> pairs_;
};

}  // namespace usherd
