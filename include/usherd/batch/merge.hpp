#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace usherd {

struct FlatRecord;

/// How a property's value would be typed, as far as its text tells. Two values of one property are folded
/// only where these agree: which of two types wins is nowhere documented. A text that may or may not be taken
/// for a date is `unclear` and agrees with nothing.
enum class ValueType : std::uint8_t {
  text,
  date,
  moment,
  number,
  boolean,
  texts,
  dates,
  moments,
  numbers,
  booleans,
  unclear
};

/// Folds updates of one user, oldest first, into one record with the same end state: per member and per
/// property the newest value, as the very bytes it was written in. Owns copies of what it keeps.
class RecordMerger {
 public:
  RecordMerger() = default;

  /// Folds the next newer record in. It must be valid; the caller has had it checked. False, and nothing
  /// changed, where it cannot be folded: it is not kMergeable or of another user, a type differs, or the
  /// result would break a rule (500 properties, 1 MiB).
  [[nodiscard]] bool add(std::string_view record);
  /// How many were folded.
  [[nodiscard]] std::size_t count() const { return count_; }
  /// The folded record, one line without a newline. Only when count() > 0. Properties stand in order of first
  /// sight.
  [[nodiscard]] std::string line() const;

 private:
  struct Property {
    std::string name;
    std::string value;
    ValueType type;
  };

  [[nodiscard]] bool fits(const FlatRecord& record) const;
  void take_properties(const FlatRecord& record);

  std::size_t count_ = 0;
  bool by_uid_ = false;
  std::string user_;  // decoded
  std::string user_text_;
  std::string display_name_;
  std::string email_;
  bool has_properties_ = false;
  std::vector<Property> properties_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::size_t property_bytes_ = 0;
};

/// Folds all of `records`, oldest first, each valid and kMergeable, of one user; nothing where one does not
/// fit.
[[nodiscard]] std::optional<std::string> merge_records(std::span<const std::string_view> records);

}  // namespace usherd
