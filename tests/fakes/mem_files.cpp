#include "tests/fakes/mem_files.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace usherd::fakes {

struct MemFiles::Node {
  FileKind kind = FileKind::regular;
  std::uint64_t number = 0;
  std::string bytes;
  std::string synced;
  std::int64_t modified = 0;
  std::int64_t changed = 0;
  std::int64_t synced_modified = 0;
  std::int64_t synced_changed = 0;

  void sync() {
    synced = bytes;
    synced_modified = modified;
    synced_changed = changed;
  }
};

namespace {

using NodePtr = std::shared_ptr<MemFiles::Node>;
using Lock = std::lock_guard<std::mutex>;

std::string parent(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

Error missing(const std::string& path) {
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

}  // namespace

struct MemFiles::State {
  mutable std::mutex mutex;
  std::map<std::string, NodePtr> live;
  std::map<std::string, NodePtr> durable;
  std::vector<Move> pending;
  std::map<std::uint64_t, Error> failures;
  std::optional<std::pair<std::uint64_t, Error>> from;
  std::uint64_t effects = 0;
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

namespace {

class MemReadFile final : public ReadFile {
 public:
  MemReadFile(std::shared_ptr<MemFiles::State> state, NodePtr node)
      : state_(std::move(state)), node_(std::move(node)) {}

  Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) override {
    const Lock lock(state_->mutex);
    const std::string& bytes = node_->bytes;
    const std::size_t start = std::min<std::uint64_t>(offset, bytes.size());
    const std::size_t size = std::min(into.size(), bytes.size() - start);
    std::memcpy(into.data(), bytes.data() + start, size);
    return size;
  }

  Result<std::uint64_t> size() override {
    const Lock lock(state_->mutex);
    return node_->bytes.size();
  }

 private:
  std::shared_ptr<MemFiles::State> state_;
  NodePtr node_;
};

class MemWriteFile final : public WriteFile {
 public:
  MemWriteFile(std::shared_ptr<MemFiles::State> state, NodePtr node)
      : state_(std::move(state)), node_(std::move(node)) {}

  Result<void> append(std::string_view bytes) override {
    const Lock lock(state_->mutex);
    if (std::optional<Error> failure = state_->effect())
      return *failure;
    node_->bytes.append(bytes);
    node_->modified = node_->changed = state_->time++;
    return {};
  }

  Result<void> sync() override {
    const Lock lock(state_->mutex);
    if (std::optional<Error> failure = state_->effect())
      return *failure;
    node_->sync();
    return {};
  }

 private:
  std::shared_ptr<MemFiles::State> state_;
  NodePtr node_;
};

}  // namespace

MemFiles::MemFiles() : state_(std::make_shared<State>()) {}

MemFiles::~MemFiles() = default;

Result<std::unique_ptr<ReadFile>> MemFiles::open(const std::string& path) {
  const Lock lock(state_->mutex);
  if (state_->closed && --state_->closed->first == 0)
    return std::exchange(state_->closed, std::nullopt)->second;
  NodePtr node = state_->find(path);
  if (!node)
    return missing(path);
  if (node->kind != FileKind::regular) {
    return Error{Errc::invalid, path + ": is not a regular file"};
  }
  return std::make_unique<MemReadFile>(state_, std::move(node));
}

Result<std::unique_ptr<WriteFile>> MemFiles::write(const std::string& path, WriteMode mode,
                                                   std::uint64_t keep) {
  const Lock lock(state_->mutex);
  if (std::optional<Error> failure = state_->effect())
    return *failure;
  if (!state_->is_directory(parent(path))) {
    return missing(path);
  }
  NodePtr node = state_->find(path);
  if (node && mode == WriteMode::create)
    return Error{Errc::exists, path + ": File exists"};
  if (node && node->kind != FileKind::regular) {
    return Error{Errc::invalid, path + ": is not a regular file"};
  }
  if ((node ? node->bytes.size() : 0) < keep && mode == WriteMode::extend)
    return Error{Errc::corrupt, path + ": is shorter than what was kept"};
  if (node && mode == WriteMode::extend) {
    node->bytes.resize(keep);
    node->modified = node->changed = state_->time++;
  } else {
    if (node) {
      state_->move(path, "", node);
    }
    node = state_->new_node(FileKind::regular);
    state_->move("", path, node);
  }
  return std::make_unique<MemWriteFile>(state_, std::move(node));
}

Result<void> MemFiles::rename(const std::string& from, const std::string& to) {
  const Lock lock(state_->mutex);
  if (std::optional<Error> failure = state_->effect())
    return *failure;
  const NodePtr node = state_->find(from);
  if (!node || !state_->is_directory(parent(to)))
    return missing(node ? to : from);
  if (state_->find(to)) {
    return Error{Errc::exists, to + ": File exists"};
  }
  state_->move(from, to, node);
  return {};
}

Result<void> MemFiles::remove(const std::string& path) {
  const Lock lock(state_->mutex);
  if (std::optional<Error> failure = state_->effect())
    return *failure;
  const NodePtr node = state_->find(path);
  if (node && node->kind == FileKind::directory)
    return Error{Errc::invalid, path + ": is not a regular file"};
  if (node) {
    state_->move(path, "", node);
  }
  return {};
}

Result<void> MemFiles::list(const std::string& directory,
                            const std::function<bool(std::string_view)>& visit) {
  {
    const Lock lock(state_->mutex);
    if (!state_->is_directory(directory))
      return missing(directory);
  }
  for (const std::string& name : names(directory)) {
    if (!visit(name)) {
      break;
    }
  }
  return {};
}

Result<FileStat> MemFiles::stat(const std::string& path) {
  const Lock lock(state_->mutex);
  const NodePtr node = state_->find(path);
  if (!node)
    return missing(path);
  FileStat stat;
  stat.kind = node->kind;
  stat.size = node->bytes.size();
  stat.device = 1;
  stat.inode = node->number;
  stat.links = static_cast<std::uint64_t>(std::count_if(
      state_->live.begin(), state_->live.end(), [&](const auto& entry) { return entry.second == node; }));
  stat.modified_ns = node->modified;
  stat.changed_ns = node->changed;
  return stat;
}

Result<void> MemFiles::sync(const std::string& path) {
  const Lock lock(state_->mutex);
  if (std::optional<Error> failure = state_->effect())
    return *failure;
  const NodePtr node = state_->find(path);
  if (!node)
    return missing(path);
  node->sync();
  if (node->kind == FileKind::directory) {
    state_->commit(path);
  }
  return {};
}

void MemFiles::make(const std::string& path, FileKind kind) {
  const Lock lock(state_->mutex);
  state_->live[path] = state_->durable[path] = state_->new_node(kind);
}

void MemFiles::put(const std::string& path, std::string_view bytes) {
  make(path, FileKind::regular);
  const Lock lock(state_->mutex);
  const NodePtr node = state_->find(path);
  node->bytes = std::string(bytes);
  node->sync();
}

void MemFiles::link(const std::string& from, const std::string& to) {
  const Lock lock(state_->mutex);
  const NodePtr node = state_->live.at(from);
  node->changed = state_->time++;
  state_->live[to] = state_->durable[to] = node;
}

bool MemFiles::exists(const std::string& path) const {
  const Lock lock(state_->mutex);
  return state_->find(path) != nullptr;
}

std::string MemFiles::content(const std::string& path) const {
  const Lock lock(state_->mutex);
  const NodePtr node = state_->find(path);
  return node ? node->bytes : std::string();
}

std::vector<std::string> MemFiles::names(const std::string& directory) const {
  const Lock lock(state_->mutex);
  std::vector<std::string> found;
  for (const auto& [path, node] : state_->live) {
    if (parent(path) == directory && path != directory) {
      found.push_back(path.substr(directory.size() + 1));
    }
  }
  return found;
}

void MemFiles::set_time(std::int64_t nanoseconds) {
  const Lock lock(state_->mutex);
  state_->time = nanoseconds;
}

void MemFiles::drop_unsynced() {
  const Lock lock(state_->mutex);
  std::map<NodePtr, NodePtr> left;
  state_->pending.clear();
  state_->live.clear();
  for (auto& [path, node] : state_->durable) {
    NodePtr& copy = left[node];
    if (!copy) {
      copy = std::make_shared<Node>(*node);
      copy->bytes = copy->synced;
      copy->modified = copy->synced_modified;
      copy->changed = copy->synced_changed;
    }
    node = state_->live[path] = copy;
  }
}

std::uint64_t MemFiles::effects() const {
  const Lock lock(state_->mutex);
  return state_->effects;
}

void MemFiles::fail_at(std::uint64_t effect, Error error) {
  const Lock lock(state_->mutex);
  state_->failures.insert_or_assign(effect, std::move(error));
}

void MemFiles::fail_open(std::uint64_t number, Error error) {
  const Lock lock(state_->mutex);
  state_->closed.emplace(number, std::move(error));
}

void MemFiles::fail_from(std::uint64_t effect, Error error) {
  const Lock lock(state_->mutex);
  state_->from.emplace(effect, std::move(error));
}

void MemFiles::heal() {
  const Lock lock(state_->mutex);
  state_->from.reset();
  state_->failures.clear();
}

}  // namespace usherd::fakes
