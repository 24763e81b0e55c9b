#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Accepted files that were not looked into to their end: how many, and of the first their names and why.
class Unsearched {
 public:
  static constexpr std::size_t kMostNames = 20;

  enum class Why : std::uint8_t {
    converting,  ///< or waiting to be
    large,       ///< it lies beyond what a look takes in
    settled,     ///< just then
    missing,     ///< from working/
    unreadable,  ///< the disk does not give it
  };

  void add(const std::string& name, Why why) {
    ++count_;
    if (names_.size() == kMostNames)
      return;
    names_.push_back(name);
    reasons_.push_back(why);
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// In the order of the names.
  [[nodiscard]] const std::vector<Why>& reasons() const { return reasons_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::vector<std::string> names_;
  std::vector<Why> reasons_;
  std::uint64_t count_ = 0;
};

/// One word, as /api/trace says it.
[[nodiscard]] std::string_view word_of(Unsearched::Why why);

}  // namespace usherd
