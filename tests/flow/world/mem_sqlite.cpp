#include "tests/flow/world/mem_sqlite.hpp"

#include <fmt/format.h>

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <vector>

namespace usherd::flow {
namespace {

struct Content {
  std::string bytes;
  std::string synced;
  std::vector<std::pair<std::size_t, std::size_t>> dirty;  ///< offset and size of what differs
  bool durable = false;                                    ///< synced at least once: its entry survives
  bool is_log = false;
  std::size_t written_to = 0;  ///< where the last write ended
  std::size_t synced_to = 0;   ///< where it had ended at the last sync: in a log the end of a commit

  void sync() {
    synced.resize(bytes.size());
    for (const auto& [offset, size] : dirty) {
      if (offset < bytes.size())
        std::memcpy(synced.data() + offset, bytes.data() + offset, std::min(size, bytes.size() - offset));
    }
    dirty.clear();
    durable = true;
    synced_to = written_to;
  }
};

using ContentPtr = std::shared_ptr<Content>;

}  // namespace

struct MemSqlite::State {
  explicit State(Effects& counter) : effects(counter) {}
  Effects& effects;
  std::string name;
  sqlite3_vfs vfs{};
  sqlite3_vfs* system = nullptr;
  std::map<std::string, ContentPtr> files;
  std::uint64_t syncs = 0;
  bool refuses_reads = false;
  std::size_t largest_commit = std::numeric_limits<std::size_t>::max();
};

namespace {

/// What SQLite allocates for an open file; it begins with the method table.
struct OpenFile {
  sqlite3_file base;
  MemSqlite::State* state;
  ContentPtr* content;
  std::vector<std::vector<char>>* shared;  ///< the index of the write-ahead log
};

OpenFile& of(sqlite3_file* file) {
  return *reinterpret_cast<OpenFile*>(file);
}

int close_file(sqlite3_file* file) {
  delete of(file).content;
  delete of(file).shared;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* into, int amount, sqlite3_int64 offset) {
  if (of(file).state->refuses_reads)
    return SQLITE_IOERR_CORRUPTFS;  // as SQLite's own answers to EIO
  const std::string& bytes = (*of(file).content)->bytes;
  const auto wanted = static_cast<std::size_t>(amount);
  const auto start = std::min(static_cast<std::size_t>(offset), bytes.size());
  const auto size = std::min(wanted, bytes.size() - start);
  std::memcpy(into, bytes.data() + start, size);
  if (size == wanted)
    return SQLITE_OK;
  std::memset(static_cast<char*>(into) + size, 0, wanted - size);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  if (of(file).state->effects.stopped())
    return SQLITE_IOERR_WRITE;
  Content& content = **of(file).content;
  std::string& bytes = content.bytes;
  const auto start = static_cast<std::size_t>(offset);
  const auto size = static_cast<std::size_t>(amount);
  const auto end = start + size;
  if (content.is_log && end > content.synced_to && end - content.synced_to > of(file).state->largest_commit)
    return SQLITE_FULL;
  content.written_to = end;
  if (bytes.size() < end)
    bytes.resize(end);
  std::memcpy(bytes.data() + start, from, size);
  content.dirty.emplace_back(start, size);
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (of(file).state->effects.stopped())
    return SQLITE_IOERR_TRUNCATE;
  Content& content = **of(file).content;
  content.dirty.emplace_back(static_cast<std::size_t>(size), content.bytes.size());
  content.bytes.resize(static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  auto& state = *of(file).state;
  if (!state.effects.begin())
    return SQLITE_IOERR_FSYNC;
  ++state.syncs;
  (*of(file).content)->sync();
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>((*of(file).content)->bytes.size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) {
  return SQLITE_OK;
}

int is_reserved(sqlite3_file*, int* result) {
  *result = 0;
  return SQLITE_OK;
}

int control_file(sqlite3_file* file, int what, void* answer) {
  if (what != SQLITE_FCNTL_LAST_ERRNO)
    return SQLITE_NOTFOUND;
  *static_cast<int*>(answer) = of(file).state->refuses_reads ? EIO : 0;
  return SQLITE_OK;
}

int sector_size(sqlite3_file*) {
  return 4096;
}

int characteristics(sqlite3_file*) {
  return 0;
}

int map_shared(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  auto& shared = of(file).shared;
  if (shared == nullptr)
    shared = new std::vector<std::vector<char>>;
  const auto index = static_cast<std::size_t>(region);
  *memory = nullptr;
  if (index >= shared->size()) {
    if (extend == 0)
      return SQLITE_OK;
    shared->resize(index + 1);
  }
  auto& bytes = (*shared)[index];
  if (bytes.empty())
    bytes.resize(static_cast<std::size_t>(size));
  *memory = bytes.data();
  return SQLITE_OK;
}

int lock_shared(sqlite3_file*, int, int, int) {
  return SQLITE_OK;
}

void shared_barrier(sqlite3_file*) {}

int unmap_shared(sqlite3_file* file, int) {
  delete of(file).shared;
  of(file).shared = nullptr;
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods{
    2,           close_file,     read_file,    write_file,   truncate_file, sync_file,       size_of_file,
    lock_file,   lock_file,      is_reserved,  control_file, sector_size,   characteristics, map_shared,
    lock_shared, shared_barrier, unmap_shared, nullptr,      nullptr};

MemSqlite::State& state_of(sqlite3_vfs* vfs) {
  return *static_cast<MemSqlite::State*>(vfs->pAppData);
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& state = state_of(vfs);
  file->pMethods = nullptr;
  ContentPtr content;
  if (name == nullptr) {
    content = std::make_shared<Content>();
  } else {
    auto& known = state.files[name];
    if (known == nullptr && ((flags & SQLITE_OPEN_CREATE) == 0 || state.effects.stopped())) {
      state.files.erase(name);
      return SQLITE_CANTOPEN;
    }
    if (known == nullptr)
      known = std::make_shared<Content>();
    content = known;
    content->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  }
  auto& opened = of(file);
  opened.state = &state;
  opened.content = new ContentPtr(std::move(content));
  opened.shared = nullptr;
  file->pMethods = &kMethods;
  if (out_flags != nullptr)
    *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int) {
  auto& state = state_of(vfs);
  if (!state.files.contains(name))
    return SQLITE_IOERR_DELETE_NOENT;
  if (!state.effects.begin())
    return SQLITE_IOERR_DELETE;
  state.files.erase(name);
  return SQLITE_OK;
}

int has_file(sqlite3_vfs* vfs, const char* name, int, int* result) {
  *result = state_of(vfs).files.contains(name) ? 1 : 0;
  return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int size, char* out) {
  // The same in every run.
  std::memset(out, 7, static_cast<std::size_t>(size));
  return size;
}

int sleep_for(sqlite3_vfs*, int microseconds) {
  return microseconds;
}

int current_time(sqlite3_vfs*, sqlite3_int64* time) {
  *time = 0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

}  // namespace

MemSqlite::MemSqlite(Effects& effects) : state_(std::make_unique<State>(effects)) {
  auto& state = *state_;
  state.name = fmt::format("usherd-flow-{}", static_cast<const void*>(&state));
  state.vfs.iVersion = 2;
  state.vfs.szOsFile = sizeof(OpenFile);
  state.vfs.mxPathname = 512;
  state.vfs.zName = state.name.c_str();
  state.vfs.pAppData = &state;
  state.vfs.xOpen = open_file;
  state.vfs.xDelete = delete_file;
  state.vfs.xAccess = has_file;
  state.vfs.xFullPathname = full_name;
  state.vfs.xRandomness = randomness;
  state.vfs.xSleep = sleep_for;
  state.vfs.xCurrentTimeInt64 = current_time;
  state.vfs.xGetLastError = last_error;
  sqlite3_vfs_register(&state.vfs, 0);
}

MemSqlite::~MemSqlite() {
  sqlite3_vfs_unregister(&state_->vfs);
}

const char* MemSqlite::name() const {
  return state_->name.c_str();
}

void MemSqlite::drop_unsynced() {
  std::erase_if(state_->files, [](const auto& entry) { return !entry.second->durable; });
  for (auto& [name, content] : state_->files) {
    content->bytes = content->synced;
    content->dirty.clear();
  }
}

void MemSqlite::keep_unsynced() {
  for (auto& [name, content] : state_->files)
    content->sync();
}

std::uint64_t MemSqlite::syncs() const {
  return state_->syncs;
}

void MemSqlite::refuse_reads(bool refused) {
  state_->refuses_reads = refused;
}

void MemSqlite::allow_commits_of(std::size_t bytes) {
  state_->largest_commit = bytes;
}

}  // namespace usherd::flow
