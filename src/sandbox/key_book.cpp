#include "src/sandbox/key_book.hpp"

#include <algorithm>

namespace usherd::sandbox {

void KeyBook::posted(std::string_view key, std::uint64_t digest) {
  if (key.empty())
    return;
  Entry& entry = keys_[std::string(key)];
  most_posts_ = std::max(most_posts_, ++entry.posts);
  const bool known = std::find(entry.bodies.begin(), entry.bodies.end(), digest) != entry.bodies.end();
  constexpr std::size_t kMostBodies = 8;
  if (known || entry.bodies.size() >= kMostBodies)
    return;
  entry.bodies.push_back(digest);
  if (entry.bodies.size() == 2)
    ++with_two_bodies_;
}

void KeyBook::job_made(std::string_view key, const std::string& job) {
  if (!key.empty())
    keys_[std::string(key)].jobs.push_back(job);
}

void KeyBook::applied(std::string_view key, std::uint64_t digest, std::uint64_t records) {
  if (!key.empty() && keys_[std::string(key)].applied++ > 0)
    applied_twice_ += records;
  if (bodies_applied_[digest]++ > 0)
    bodies_applied_twice_ += records;
}

}  // namespace usherd::sandbox
