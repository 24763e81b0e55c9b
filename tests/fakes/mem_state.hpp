#pragma once

#include "tests/fakes/mem_files.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace usherd::fakes {

/// A file or directory of MemFiles, with what of it is durable.
struct MemFiles::Node {
  FileKind kind = FileKind::regular;
  std::uint64_t number = 0;
  std::string bytes;
  std::string synced;
  std::int64_t modified = 0;
  std::int64_t changed = 0;
  std::int64_t synced_modified = 0;
  std::int64_t synced_changed = 0;
  /// Bytes that a sync failed to write: the kernel tells so once and counts them as written from then on.
  std::size_t hole_from = 0;
  std::size_t hole_to = 0;

  void sync() {
    synced = bytes;
    for (auto at = hole_from; at < hole_to; ++at)
      synced[at] = '\0';
    synced_modified = modified;
    synced_changed = changed;
  }
  void fail_sync() {
    if (bytes.size() <= synced.size())
      return;
    if (hole_to <= hole_from)
      hole_from = synced.size();
    hole_to = bytes.size();
  }
  void cut_to(std::size_t size) {
    bytes.resize(size);
    hole_to = std::min(hole_to, size);
  }
};

namespace mem {

using NodePtr = std::shared_ptr<MemFiles::Node>;
using Lock = std::lock_guard<std::mutex>;

inline std::string parent(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

inline Error missing(const std::string& path) {
  return {Errc::not_found, path + ": No such file or directory"};
}

/// A change of directory entries that is not durable yet: a create has no `from`, a remove no `to`.
struct Move {
  std::string from;
  std::string to;
  NodePtr node;
  std::int64_t changed;  // the inode change time that it brought

  [[nodiscard]] bool touches(const std::string& directory) const {
    return (!from.empty() && parent(from) == directory) || (!to.empty() && parent(to) == directory);
  }
};

}  // namespace mem

struct MemFiles::State {
  using Move = mem::Move;
  using NodePtr = mem::NodePtr;
  mutable std::mutex mutex;
  std::map<std::string, NodePtr> live;
  std::map<std::string, NodePtr> durable;
  std::vector<Move> pending;
  std::map<std::uint64_t, Error> failures;
  std::optional<std::pair<std::uint64_t, Error>> from;
  std::uint64_t effects = 0;
  std::uint64_t begun_syncs = 0;
  std::optional<std::pair<std::uint64_t, Error>> closed;  // counts down the opens until that one
  std::uint64_t next_number = 1;
  std::int64_t time = 1'700'000'000'000'000'000;

  std::optional<Error> effect() {
    ++effects;
    if (from && effects >= from->first)
      return from->second;
    const auto found = failures.find(effects);
    return found == failures.end() ? std::nullopt : std::optional(found->second);
  }

  NodePtr find(const std::string& path) const {
    const auto found = live.find(path);
    return found == live.end() ? nullptr : found->second;
  }

  bool is_directory(const std::string& path) const {
    const NodePtr node = find(path);
    return node && node->kind == FileKind::directory;
  }

  NodePtr new_node(FileKind kind) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->number = next_number++;
    node->modified = node->changed = time++;
    node->synced_modified = node->synced_changed = node->changed;
    return node;
  }

  void move(std::string origin, std::string target, const NodePtr& node) {
    if (!origin.empty()) {
      live.erase(origin);
    }
    if (!target.empty()) {
      live[target] = node;
    }
    node->changed = time++;
    pending.push_back({std::move(origin), std::move(target), node, node->changed});
  }

  void make_durable(const Move& move) {
    // A file system writes down an entry and the inode's times together.
    move.node->synced_changed = std::max(move.node->synced_changed, move.changed);
    const auto old = durable.find(move.from);
    if (old != durable.end() && old->second == move.node) {
      durable.erase(old);
    }
    if (!move.to.empty()) {
      durable[move.to] = move.node;
    }
  }

  // A move that becomes durable stands for the earlier ones that led to its origin: they go with it.
  std::size_t fold_earlier(std::size_t at, const Move& move) {
    std::string origin = move.from;
    std::size_t folded = 0;
    for (std::size_t earlier = at; earlier-- > 0 && !origin.empty();) {
      if (pending[earlier].node == move.node && pending[earlier].to == origin) {
        origin = pending[earlier].from;
        make_durable({origin, "", move.node, move.changed});
        pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(earlier));
        ++folded;
      }
    }
    return folded;
  }

  void commit(const std::string& directory) {
    for (std::size_t at = 0; at < pending.size();) {
      if (!pending[at].touches(directory)) {
        ++at;
        continue;
      }
      const Move move = pending[at];
      pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(at));
      at -= fold_earlier(at, move);
      make_durable(move);
    }
  }
};

}  // namespace usherd::fakes
