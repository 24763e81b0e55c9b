#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace usherd::sandbox {

/// The oracle's record of every idempotency key and body ever posted, whatever the API's own store has
/// forgotten.
class KeyBook {
 public:
  struct Entry {
    std::uint64_t posts = 0;
    std::vector<std::uint64_t> bodies;  ///< digests of the different bodies, at most a few kept
    std::vector<std::string> jobs;
    std::uint64_t applied = 0;  ///< how many jobs of this key were applied
  };

  void posted(std::string_view key, std::uint64_t digest);
  void job_made(std::string_view key, const std::string& job);
  /// Counts `records` as applied twice where this key's, or this body's, batch was applied before.
  void applied(std::string_view key, std::uint64_t digest, std::uint64_t records);

  [[nodiscard]] const std::map<std::string, Entry, std::less<>>& keys() const { return keys_; }
  [[nodiscard]] std::uint64_t most_posts() const { return most_posts_; }
  [[nodiscard]] std::uint64_t with_two_bodies() const { return with_two_bodies_; }
  [[nodiscard]] std::uint64_t applied_twice() const { return applied_twice_; }
  [[nodiscard]] std::uint64_t bodies_applied_twice() const { return bodies_applied_twice_; }

 private:
  std::map<std::string, Entry, std::less<>> keys_;
  std::unordered_map<std::uint64_t, std::uint64_t> bodies_applied_;
  std::uint64_t most_posts_ = 0;
  std::uint64_t with_two_bodies_ = 0;
  std::uint64_t applied_twice_ = 0;
  std::uint64_t bodies_applied_twice_ = 0;
};

}  // namespace usherd::sandbox
