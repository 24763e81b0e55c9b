#pragma once

#include "usherd/core/chunks.hpp"
#include "usherd/core/zeroed_array.hpp"
#include "usherd/validate/record.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

namespace usherd {

/// Set in Record::flags by the batcher: the record goes by itself and stands in the ledger among the singles.
inline constexpr std::uint8_t kSingle = 0x40;
/// Set in Record::flags: its bytes are not those that were accepted. It must never be sent.
inline constexpr std::uint8_t kChanged = 0x20;

/// A record on its way, with the file it stands in (a slot of the daemon's table of open files).
struct QueuedRecord {
  Record record;
  std::uint32_t file = 0;
};

/// Keeps each user in at most one unfinished batch, and each user's updates in acceptance order. A key is
/// held from the moment a record of it is taken until release(); later records of that key wait in a queue of
/// their own, on disk but for 20 bytes each. A record with two keys waits until it is first for both. Pure;
/// knows no batch.
class UserOrder {
 public:
  /// Names who holds a key: a batch being formed, or none in particular.
  using Holder = std::uint32_t;
  static constexpr Holder kNobody = 0;

  enum class Offer : std::uint8_t {
    taken,        ///< its keys were free and are now held
    waits,        ///< queued
    waits_first,  ///< queued as the first behind a key that `holder` itself holds: a candidate for merging
  };

  UserOrder();

  /// Offers the next record in acceptance order.
  Offer offer(const QueuedRecord& record, Holder holder);
  /// Queues records in front of all that wait behind `key`, in their order; the key must be held. They have
  /// one key.
  void put_back(std::uint64_t key, const std::vector<QueuedRecord>& records);
  /// Holds a key without a record: for batches found in the ledger at start.
  void hold(std::uint64_t key);
  /// Frees a key; the first record behind it, if any, moves on.
  void release(std::uint64_t key);
  /// Brings the table's line for `key` into the cache ahead of offer() or release().
  void prefetch(std::uint64_t key) const { __builtin_prefetch(&slots_[key & mask_]); }

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
  [[nodiscard]] std::size_t held_keys() const { return used_; }
  /// Bytes for keys and queues, about.
  [[nodiscard]] std::size_t memory() const { return slots_.size() * sizeof(Slot) + nodes_.memory(); }
  /// The same once the table has doubled.
  [[nodiscard]] std::size_t next_memory() const { return memory() + slots_.size() * sizeof(Slot); }
  /// Gives back what a past crowd of users took, if few are left of it.
  void give_room_back();

 private:
  struct Slot {
    std::uint64_t key;   // 0: free
    std::uint32_t tail;  // last of a circular list, or kNone
    Holder holder;
  };
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

  [[nodiscard]] std::size_t find(std::uint64_t key) const;
  std::size_t find_or_insert(std::uint64_t key, bool& inserted);
  void erase(std::size_t index);
  void place(const Slot& slot);
  void grow();
  [[nodiscard]] static Node node_of(const QueuedRecord& record);
  std::uint32_t keep_node(const Node& node);
  std::uint32_t make_node(const QueuedRecord& record);
  std::uint32_t make_shadow(std::uint32_t primary);
  void free_node(std::uint32_t node);
  void push_back(Slot& slot, std::uint32_t node);
  std::uint32_t pop_front(Slot& slot);
  [[nodiscard]] QueuedRecord record_of(std::uint64_t key, std::uint32_t node) const;
  bool offer_pair(const QueuedRecord& record, Holder holder);
  void grant(std::uint64_t key, std::uint32_t node);

  ZeroedArray<Slot> slots_;
  std::size_t mask_;
  std::size_t used_ = 0;
  Chunks<Node> nodes_;
  std::uint32_t free_;
  std::size_t waiting_ = 0;
  std::deque<QueuedRecord> ready_;
  std::unordered_map<std::uint32_t, Pair> pairs_;
};

}  // namespace usherd
