#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace usherd {

/// Accepted files that were not looked into to their end: how many, and the names of the first.
class Unsearched {
 public:
  static constexpr std::size_t kMostNames = 20;

  void add(const std::string& name) {
    ++count_;
    if (names_.size() < kMostNames)
      names_.push_back(name);
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::vector<std::string> names_;
  std::uint64_t count_ = 0;
};

}  // namespace usherd
