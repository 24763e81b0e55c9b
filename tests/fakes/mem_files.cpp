#include "tests/fakes/mem_files.hpp"

#include "tests/fakes/mem_state.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace usherd::fakes {

using mem::Lock;
using mem::missing;
using mem::NodePtr;
using mem::parent;

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

  void begin_sync() override {
    const Lock lock(state_->mutex);
    ++state_->begun_syncs;
  }

  Result<void> sync() override {
    const Lock lock(state_->mutex);
    if (std::optional<Error> failure = state_->effect()) {
      node_->fail_sync();
      return *failure;
    }
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
    node->cut_to(keep);
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

void MemFiles::move_folder(const std::string& from, const std::string& to) {
  const Lock lock(state_->mutex);
  const auto renamed = [&](const std::string& path) {
    return path == from || path.starts_with(from + "/") ? to + path.substr(from.size()) : path;
  };
  for (auto* entries : {&state_->live, &state_->durable}) {
    std::map<std::string, NodePtr> moved;
    for (auto& [path, node] : *entries)
      moved.emplace(renamed(path), std::move(node));
    *entries = std::move(moved);
  }
  for (auto& move : state_->pending) {
    move.from = renamed(move.from);
    move.to = renamed(move.to);
  }
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

std::uint64_t MemFiles::begun_syncs() const {
  const Lock lock(state_->mutex);
  return state_->begun_syncs;
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
