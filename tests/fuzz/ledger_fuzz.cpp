#include "usherd/ledger/ledger.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// Opens damaged ledgers. An input is a byte of choices and then edits of a good ledger, each of three bytes
// of place, one byte of length and the bytes that go there: small inputs reach every page.

using namespace usherd;
using usherd::fuzz::require;

namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t kWithLog = 1;  // the write-ahead log was not yet copied back
constexpr std::uint8_t kCut = 2;      // the last edit's place is where the file ends

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_all(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Result<void> fill(Ledger& ledger) {
  for (FileNumber number = 1; number <= 3; ++number) {
    SpoolFile file;
    file.number = number;
    file.name = fmt::format("users~{}.ndjson", number);
    file.original = "users.ndjson";
    file.working = fmt::format("{:012}.{}", number, file.name);
    file.size = 1000;
    if (auto inserted = ledger.insert_file(file); !inserted)
      return inserted;
    if (auto ready = ledger.file_ready(number, false, 1000); !ready)
      return ready;
  }
  for (BatchId id = 1; id <= 3; ++id) {
    BatchRow batch;
    batch.id = id;
    batch.key = fmt::format("00000000-0000-4000-8000-{:012}", id);
    batch.body_length = 321;
    batch.manifest.runs = {{id, 0, 100, 1, 2}, {id, 120, 40, 4, 1}};
    batch.users = {1, 2, 3};
    Share share;
    share.file = id;
    share.records = 3;
    share.end_offset = 160;
    if (auto inserted = ledger.insert_batch(batch, {&share, 1}); !inserted)
      return inserted;
  }
  return ledger.set_fact("spool_id", "00000000-0000-4000-8000-000000000000");
}

/// A directory of its own, in memory where there is such a place, and the good ledger that inputs damage.
class Bench {
 public:
  Bench() {
    const fs::path parent = fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
    auto name = (parent / "usherd-fuzz-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr, "no directory for the ledger");
    directory_ = name;
    {
      auto ledger = Ledger::open(directory_);
      require(ledger.has_value(), "no ledger to begin with");
      auto& good = **ledger;
      require(good.transaction([&] { return fill(good); }).has_value(), "no rows to begin with");
      early_ = read_all(path());
      log_ = read_all(path() + "-wal");
    }
    whole_ = read_all(path());
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() { fs::remove_all(directory_); }

  [[nodiscard]] const std::string& directory() const { return directory_; }

  /// True when something of it was changed.
  bool lay(const std::uint8_t* data, std::size_t size) {
    const std::uint8_t choices = size > 0 ? data[0] : 0;
    const bool with_log = (choices & kWithLog) != 0;
    std::string bytes = with_log ? early_ + log_ : whole_;
    const auto main = with_log ? early_.size() : whole_.size();
    const std::string before = bytes;
    std::size_t place = 0;
    for (std::size_t at = 1; at + 4 <= size;) {
      place = (data[at] | static_cast<std::size_t>(data[at + 1]) << 8U |
               static_cast<std::size_t>(data[at + 2]) << 16U) %
              bytes.size();
      const auto length = std::min({std::size_t{data[at + 3]}, size - at - 4, bytes.size() - place});
      std::copy_n(data + at + 4, length, bytes.begin() + static_cast<std::ptrdiff_t>(place));
      at += 4 + std::max<std::size_t>(1, length);
    }
    if ((choices & kCut) != 0)
      bytes.resize(std::max(place, main / 2));
    for (const auto* ending : {"", "-wal", "-shm"})
      fs::remove(path() + ending);
    write_all(path(), bytes.substr(0, main));
    if (bytes.size() > main)
      write_all(path() + "-wal", bytes.substr(main));
    return bytes != before;
  }

 private:
  [[nodiscard]] std::string path() const { return directory_ + "/ledger.sqlite"; }
  std::string directory_;
  std::string early_;
  std::string log_;
  std::string whole_;
};

/// Everything that a daemon asks at its start. True when all of it was answered.
bool read_everything(Ledger& ledger) {
  bool good = ledger.fact("spool_id").has_value() && ledger.last_file_number().has_value() &&
              ledger.last_batch_id().has_value() && ledger.singles().has_value();
  const auto files = ledger.open_files(0, 100);
  good = good && files.has_value();
  const auto pass = [](const auto&) -> Result<void> { return {}; };
  for (FileNumber number = 1; number <= 3; ++number) {
    good = ledger.file(number).has_value() && ledger.coverage(number, 0, pass).has_value() &&
           ledger.outcomes(number).has_value() && ledger.has_open_batches(number).has_value() &&
           ledger.receipt_batches(number, pass).has_value() && ledger.manifest(number).has_value() && good;
  }
  std::uint64_t operations = 0;
  const auto visit = [&](const BatchRow& batch) -> Result<void> {
    operations += batch.manifest.operations();
    return {};
  };
  return ledger.open_batches(visit).has_value() && operations == 9 && good;
}

/// The end of a file's life, as far as the damage lets it come.
bool change_something(Ledger& ledger) {
  return ledger
      .transaction([&]() -> Result<void> {
        Share share;
        share.file = 1;
        share.records = 3;
        share.outcomes.imported = 3;
        if (auto ended = ledger.batch_ended(1, {&share, 1}, WallTime{}, nullptr, {}); !ended)
          return ended;
        ReadMark mark;
        mark.offset = 1000;
        mark.records = 3;
        if (auto moved = ledger.move_mark(1, mark); !moved)
          return moved;
        return ledger.file_settled(1, 3, share.outcomes, WallTime{});
      })
      .has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  const bool damaged = bench.lay(data, size);
  const auto ledger = Ledger::open(bench.directory());
  if (!ledger) {
    require(damaged, "a good ledger is refused");
    require(!ledger.error().message.empty(), "a refusal without a word");
    return 0;
  }
  const bool sound = (*ledger)->check().has_value();
  const bool read = read_everything(**ledger);
  const bool changed = change_something(**ledger);
  require(damaged || (sound && read && changed), "a good ledger cannot be used");
  return 0;
}
