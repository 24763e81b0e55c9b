#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_set>
#include <vector>

namespace usherd {

/// What a record says, by keyed hashes of three forms, each finer than the one before.
struct ContentKeys {
  std::uint64_t normal = 0;  ///< the form that stays the same whatever an API adds, leaves out or reorders
  std::uint64_t value = 0;   ///< the full value
  std::uint64_t text = 0;    ///< as it is written

  friend bool operator==(const ContentKeys&, const ContentKeys&) = default;
};

/// The records of a batch that have no user and were not named yet, found by what they say. About 80 bytes a
/// record.
class NamelessRecords {
 public:
  struct Entry {
    ContentKeys keys;
    std::uint32_t index = 0;

    friend bool operator<(const Entry& a, const Entry& b) { return a.order() < b.order(); }
    [[nodiscard]] std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint32_t> order() const {
      return {keys.normal, keys.value, keys.text, index};
    }
  };

  void add(const Entry& entry) { entries_.insert(entry); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  /// The record that an item of a result page names: one that is written the same, else one of the same
  /// value, else one of the same normal form.
  [[nodiscard]] std::optional<Entry> find(const ContentKeys& item) const;
  void remove(const Entry& entry) { entries_.erase(entry); }
  /// The item named what find() gave for it. It is a guess where others that differ could be meant as well:
  /// then all of these are a group of doubtful().
  void take(const Entry& entry, const ContentKeys& item);
  [[nodiscard]] const std::vector<std::vector<std::uint32_t>>& doubtful() const { return doubtful_; }

 private:
  using Place = std::set<Entry>::const_iterator;
  [[nodiscard]] Place first_of(const ContentKeys& keys) const { return entries_.lower_bound({keys, 0}); }
  void doubt(std::uint64_t normal);

  std::set<Entry> entries_;
  std::vector<std::vector<std::uint32_t>> doubtful_;
  std::unordered_set<std::uint64_t> doubted_;  ///< their normal forms
};

}  // namespace usherd
