#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// The bytes of records that had to be read while their batch was frozen, by their place in the body, for
/// whoever needs them next. Takes no more than a bounded number of bytes; the rest is read again.
class FetchedRecords {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;

  /// By ascending `operation`.
  void add(std::size_t operation, std::string_view bytes);
  [[nodiscard]] std::optional<std::string_view> find(std::size_t operation) const;

 private:
  struct Place {
    std::size_t operation;
    std::uint32_t begin;
    std::uint32_t length;
  };

  std::string bytes_;
  std::vector<Place> places_;  // by operation
};

}  // namespace usherd
