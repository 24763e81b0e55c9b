#pragma once

#include "src/sandbox/user_store.hpp"
#include "usherd/core/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd::sandbox {

enum class JobState : std::uint8_t { waiting, running, done };

/// What becomes of a job besides the ordinary.
enum class JobFate : std::uint8_t { ordinary, stuck, vanished, vanished_applied, failed };

/// One record that was not imported, as /errors lists it.
struct RecordError {
  std::string code;
  std::string message;
  std::string user;  ///< the record, as JSON
};

/// Who was imported: numbers of stored users, or only their keys where no users are stored.
struct ImportList {
  std::vector<UserStore::Number> users;
  std::string keys;  ///< one after the other
  std::vector<std::uint32_t> ends;

  void add_key(std::string_view key) {
    keys += key;
    ends.push_back(static_cast<std::uint32_t>(keys.size()));
  }
  [[nodiscard]] std::string_view key_at(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends[index - 1];
    return std::string_view(keys).substr(begin, ends[index] - begin);
  }
  [[nodiscard]] std::size_t size() const { return users.size() + ends.size(); }
};

/// Empties a container and gives its memory back; assigning an empty one to a string keeps its buffer.
template <class T>
void release(T& container) {
  T empty;
  std::swap(container, empty);
}

/// A batch import job. Its body is kept until it is applied; its lists until it leaves by retention.
struct Job {
  std::uint64_t number = 0;
  std::string id;
  std::string key;  ///< the idempotency key it came under; empty: none
  std::uint64_t digest = 0;
  std::uint64_t records = 0;

  std::string body;
  std::vector<std::uint32_t> bad;    ///< indexes of the records refused at once, ascending
  std::vector<std::uint64_t> users;  ///< hashes of the users in it, each once

  JobState state = JobState::waiting;
  JobFate fate = JobFate::ordinary;
  std::string word;  ///< shown instead of COMPLETED or FAILED, when not empty
  WallTime created{};
  WallTime started{};
  WallTime due = WallTime::max();
  WallTime finished{};

  ImportList imports;
  std::vector<RecordError> errors;
  std::uint64_t lag_imports = 0;  ///< how often each list still answers 202 after the end
  std::uint64_t lag_errors = 0;
  bool gone = false;  ///< left by retention

  [[nodiscard]] bool is_visible() const {
    return !gone && fate != JobFate::vanished && fate != JobFate::vanished_applied;
  }
};

}  // namespace usherd::sandbox
