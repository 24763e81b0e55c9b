#include "usherd/batch/kept_body.hpp"

#include "tests/unit/batch/spool_text.hpp"
#include "usherd/batch/freezer.hpp"
#include "usherd/batch/open_batch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace usherd;
using usherd::test::read_body;

namespace {

constexpr std::size_t kBlock = 4096;

UserKeys some_keys() {
  return UserKeys(std::array<std::byte, UserKeys::kSecretBytes>{std::byte{5}});
}

/// Files of lines, read as the daemon does it, so that their blocks stay in memory.
struct Read {
  explicit Read(std::uint32_t seed) : random(seed) {
    disk.make_directory("/working");
    paths.merged = "/working/merged";
  }

  /// Lines with every kind of end, blank ones and faulty ones.
  std::string text(int lines) {
    std::string out;
    for (int i = 0; i < lines; ++i) {
      out += "{\"uid\":\"u" + std::to_string(random()) + "\",\"properties\":{\"t\":\"" +
             std::string(random() % 120, 'x') + "\"}}";
      if (random() % 9 == 0)
        out += "\r";
      if (random() % 9 == 0)
        out += "\n";
      if (random() % 50 == 0)
        out += "\nnone";
      if (i + 1 < lines || random() % 2 == 0)
        out += "\n";
    }
    return out;
  }

  void add(FileNumber number, const std::string& bytes) {
    const auto path = "/working/" + std::to_string(number);
    disk.put(path, bytes);
    paths.files.put(number, path);
    const auto slot = static_cast<std::uint32_t>(numbers.size());
    numbers.push_back(number);
    const auto file = disk.open(path).value();
    CheckedBlock checked;
    REQUIRE(reader.read(*file, 0, 1, bytes.size(), checked).has_value());
    while (!checked.end)
      REQUIRE(reader.read_on(*file, bytes.size(), checked).has_value());
    for (auto& block : checked.blocks) {
      REQUIRE(block.bytes != nullptr);
      blocks.push_back({number, std::move(block)});
    }
    for (const auto& record : checked.records.all())
      records.push_back({record, slot});
  }

  /// Of what was picked, frozen.
  void freeze(std::vector<QueuedRecord> picked, const std::vector<MergedRecord>& merged = {}) {
    draft = test::draft_of(picked, merged, numbers);
    REQUIRE(freeze_body(disk, draft, paths, "/working", &fetched).has_value());
  }

  [[nodiscard]] std::unique_ptr<KeptBody> keep(std::vector<KeptBlock> held) {
    return KeptBody::of(
        disk, draft, paths, std::move(held), [] { return true; }, fetched);
  }
  [[nodiscard]] std::string expected() { return read_body(disk, draft.manifest, paths, 1 << 16); }

  std::mt19937 random;
  fakes::MemFiles disk;
  BodyPaths paths;
  BlockPool pool{1000, kBlock + 64};
  UserKeys keys = some_keys();
  BlockReader reader{{}, keys, kBlock, &pool};
  std::vector<FileNumber> numbers;
  std::vector<QueuedRecord> records;
  std::vector<KeptBlock> blocks;
  DraftBatch draft;
  FetchedRecords fetched;
};

/// All of it, whose pieces have to be of the sizes that a session wants.
std::string all_of(KeptBody& body) {
  std::string out;
  while (true) {
    const auto left = body.left();
    const auto piece = body.next();
    if (piece.empty()) {
      CHECK(left == 0);
      return out;
    }
    CHECK(piece.size() <= 64 * 1024);
    CHECK(piece.size() >= std::min<std::uint64_t>(left, 16 * 1024));
    out.append(piece.data(), piece.size());
    CHECK(body.left() == left - piece.size());
  }
}

}  // namespace

TEST_CASE("A kept body is the one that would be read, whatever was picked of the files") {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Read read(seed);
    for (const FileNumber number : {7, 3, 12})
      read.add(number, read.text(1 + static_cast<int>(read.random() % 900)));
    std::vector<QueuedRecord> picked;
    std::vector<MergedRecord> merged;
    const auto one_out_of = 1 + read.random() % 100;
    for (const auto& record : read.records) {
      if (one_out_of == 1 || read.random() % one_out_of != 0)
        picked.push_back(record);
      else if (read.random() % 10 == 0)
        merged.push_back({record.record.user, {record}, "{\"uid\":\"merged\"}"});
    }
    // As those that had waited come after what was read meanwhile.
    std::shuffle(picked.begin(), picked.end(), read.random);
    read.freeze(picked, merged);
    std::shuffle(read.blocks.begin(), read.blocks.end(), read.random);
    const auto body = read.keep(std::move(read.blocks));
    REQUIRE(body != nullptr);
    CHECK(body->left() == read.draft.body_length);
    CHECK((all_of(*body) == read.expected()));
  }
}

TEST_CASE("A few records that no block holds are read, if they are still what was checked") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Read read(seed);
    for (const FileNumber number : {7, 3})
      read.add(number, read.text(800));
    read.freeze(read.records);
    auto held = read.blocks;
    const auto gone = held.begin() + static_cast<std::ptrdiff_t>(read.random() % held.size());
    const auto number = gone->file;
    const auto offset = gone->block.offset;
    held.erase(gone);
    SUBCASE("they are") {
      const auto body = read.keep(std::move(held));
      REQUIRE(body != nullptr);
      CHECK((all_of(*body) == read.expected()));
    }
    SUBCASE("one of them is not") {
      const auto path = "/working/" + std::to_string(number);
      auto bytes = read.disk.content(path);
      bytes[bytes.find("\"t\"", offset) + 1] = 'T';
      read.disk.put(path, bytes);
      CHECK(read.keep(std::move(held)) == nullptr);
    }
    SUBCASE("their file is gone") {
      read.disk.remove("/working/" + std::to_string(number)).value();
      CHECK(read.keep(std::move(held)) == nullptr);
    }
  }
}

TEST_CASE("What was read to freeze a batch is not read again") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Read read(seed);
    for (const FileNumber number : {7, 3})
      read.add(number, read.text(800));
    auto held = read.blocks;
    const auto gone = held.begin() + static_cast<std::ptrdiff_t>(read.random() % held.size());
    // As those that waited for their users.
    for (auto& record : read.records) {
      if (read.numbers[record.file] == gone->file && record.record.offset >= gone->block.offset &&
          record.record.offset < gone->block.end)
        record.record.sum = 0;
    }
    held.erase(gone);
    read.freeze(read.records);
    const auto expected = read.expected();
    for (const FileNumber number : {7, 3})
      read.disk.remove("/working/" + std::to_string(number)).value();
    const auto body = read.keep(std::move(held));
    REQUIRE(body != nullptr);
    CHECK((all_of(*body) == expected));
  }
}

TEST_CASE("Where many records are in no block nothing is kept") {
  Read read(1);
  read.add(4, read.text(1000));
  read.freeze(read.records);
  const auto half = static_cast<std::ptrdiff_t>(read.blocks.size() / 2);
  CHECK(read.keep({read.blocks.begin(), read.blocks.begin() + half}) == nullptr);
  CHECK(read.keep({read.blocks.begin() + half, read.blocks.end()}) == nullptr);
  CHECK(read.keep({}) == nullptr);
  CHECK(read.keep(read.blocks) != nullptr);
}

TEST_CASE("Where what was merged is large nothing is kept") {
  constexpr std::size_t kMostOwn = std::size_t{1} << 20;
  for (const bool fits : {true, false}) {
    Read read(1);
    read.add(4, read.text(10));
    auto picked = read.records;
    const auto record = picked.back();
    picked.pop_back();
    const std::string text(fits ? kMostOwn - 100 : kMostOwn, 'x');
    read.freeze(picked, {{record.record.user, {record}, "{\"uid\":\"m\",\"email\":\"" + text + "\"}"}});
    CHECK((read.keep(std::move(read.blocks)) != nullptr) == fits);
  }
}

TEST_CASE("A kept body reads nothing and gives its blocks back while it is sent") {
  Read read(2);
  read.add(4, read.text(4000));
  read.freeze(read.records);
  const auto expected = read.expected();
  const auto blocks = read.blocks.size();
  REQUIRE(expected.size() > 4 * 64 * 1024);
  read.disk.remove("/working/4").value();
  const auto body = read.keep(std::move(read.blocks));
  REQUIRE(body != nullptr);
  read.blocks.clear();
  read.pool.set_most(blocks);
  CHECK(read.pool.take() == nullptr);
  std::string sent;
  while (sent.size() < expected.size() / 2) {
    const auto piece = body->next();
    sent.append(piece.data(), piece.size());
  }
  std::vector<BlockPool::Block> free;
  while (auto block = read.pool.take())
    free.push_back(std::move(block));
  CHECK(free.size() + 32 >= blocks / 2);
  // Others may write into these from now on.
  for (const auto& block : free)
    std::fill_n(block.get(), kBlock, '?');
  CHECK((sent + all_of(*body) == expected));
}
