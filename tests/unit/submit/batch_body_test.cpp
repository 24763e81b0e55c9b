#include "usherd/submit/batch_body.hpp"

#include "tests/fakes/inline_workers.hpp"
#include "tests/fakes/mem_files.hpp"
#include "tests/unit/submit/loop.hpp"
#include "usherd/batch/body_digest.hpp"
#include "usherd/batch/freezer.hpp"
#include "usherd/validate/record.hpp"

#include <doctest/doctest.h>

#include <malloc.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace usherd;

namespace {

/// What came of a body that was read to its end, or to the first error.
struct Given {
  std::string bytes;
  std::optional<Error> error;
  bool small_pieces = true;
};

/// `before` is called ahead of each piece.
template <class Before>
boost::asio::awaitable<Given> drain(BatchBody& source, const Before& before) {
  Given given;
  while (true) {
    before(given);
    const auto piece = co_await source.next();
    if (!piece) {
      given.error = piece.error();
      co_return given;
    }
    if (piece->empty())
      co_return given;
    given.small_pieces = given.small_pieces && piece->size() <= 64 * 1024;
    given.bytes.append(piece->data(), piece->size());
  }
}

/// A file of one record of `bytes`, and its body frozen.
struct Bench {
  explicit Bench(std::size_t bytes) {
    disk.make_directory("/working");
    content = "\"" + std::string(bytes - 2, 'x') + "\"";
    disk.put("/working/1", content + "\n");
    manifest.runs = {{1, 0, bytes, 1, 1}};
    paths.files.put(1, "/working/1");
    body = "{\"requests\":[" + content + "]}";
    BodyDigest reckoned;
    reckoned.add(record_sum(content));
    digest = reckoned.value();
  }

  test::Loop loop;
  fakes::InlineWorkers workers{loop.context};
  fakes::MemFiles disk;
  Manifest manifest;
  BodyPaths paths;
  std::string content;
  std::string body;
  Digest digest{};

  static boost::asio::awaitable<Given> read_all(Bench& bench, std::uint64_t length, Digest expected) {
    const auto manifest = bench.manifest.encode();
    BatchBody source(bench.workers, BodyReader(bench.disk, manifest, bench.paths), length, expected);
    const auto nothing = [](const Given&) {};
    co_return co_await drain(source, nothing);
  }
  Given read(std::uint64_t length) { return loop.run(read_all(*this, length, digest)); }
  Given read() { return read(body.size()); }
};

// Around the sizes of the pieces and of what is read at a time.
constexpr std::size_t kSizes[] = {
    2, 100, 65'536 - 15, 65'536, 262'144 - 16, 262'144 - 15, 262'144 - 14, 300'000, 524'288 - 15, 1'000'000};

}  // namespace

TEST_CASE("A body is given whole, in pieces of at most 64 KiB") {
  for (const auto size : kSizes) {
    CAPTURE(size);
    Bench bench(size);
    const auto given = bench.read();
    CHECK_FALSE(given.error);
    CHECK(given.small_pieces);
    CHECK((given.bytes == bench.body));
  }
}

TEST_CASE("Bodies that wait to be sent take no buffer") {
  Bench bench(1'000'000);
  const auto manifest = bench.manifest.encode();
  const auto in_use = [] {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  std::vector<std::unique_ptr<BatchBody>> waiting;
  const auto before = in_use();
  for (int i = 0; i < 200; ++i)
    waiting.push_back(std::make_unique<BatchBody>(
        bench.workers, BodyReader(bench.disk, manifest, bench.paths), bench.body.size(), bench.digest));
  CHECK(in_use() - before < 4'000'000);
}

TEST_CASE("A body that changed is an error before its last byte is given") {
  for (const auto size : kSizes) {
    CAPTURE(size);
    for (const std::size_t at : {std::size_t{1}, size / 2, size - 1}) {
      CAPTURE(at);
      Bench bench(size);
      auto changed = bench.content;
      changed[at] ^= 1;
      bench.disk.put("/working/1", changed);
      const auto given = bench.read();
      REQUIRE(given.error);
      CHECK(given.error->code == Errc::corrupt);
      CHECK(given.bytes.size() < bench.body.size());
    }
  }
}

TEST_CASE("A body that is shorter or longer than was frozen is an error before its last byte is given") {
  for (const auto size : kSizes) {
    CAPTURE(size);
    Bench bench(size);
    SUBCASE("the file became shorter") {
      bench.disk.put("/working/1", bench.content.substr(0, size - 1));
      const auto given = bench.read();
      REQUIRE(given.error);
      CHECK(given.error->code == Errc::corrupt);
      CHECK(given.bytes.size() < bench.body.size());
    }
    SUBCASE("the length frozen was larger") {
      const auto given = bench.read(bench.body.size() + 1);
      REQUIRE(given.error);
      CHECK(given.error->code == Errc::corrupt);
    }
    SUBCASE("the length frozen was smaller") {
      const auto given = bench.read(bench.body.size() - 1);
      REQUIRE(given.error);
      CHECK(given.error->code == Errc::corrupt);
      CHECK(given.bytes.size() < bench.body.size() - 1);
    }
  }
}

TEST_CASE("A file that is gone is an error") {
  Bench bench(1000);
  bench.disk.remove("/working/1").value();
  const auto given = bench.read();
  REQUIRE(given.error);
  CHECK(given.bytes.empty());
}

namespace {

/// The body of a file of many records, which stayed in memory, and what the disk says of the file at each
/// look.
struct KeptBench {
  explicit KeptBench(std::vector<bool> is_current_at) : looks(std::move(is_current_at)) {
    disk.make_directory("/working");
    std::string text;
    for (int i = 0; i < 20'000; ++i)
      text += "{\"uid\":\"user-" + std::to_string(i) + "\"}\n";
    disk.put("/working/1", text);
    paths.files.put(1, "/working/1");
    const auto file = disk.open("/working/1").value();
    CheckedBlock checked;
    REQUIRE(reader.read(*file, 0, 1, text.size(), checked).has_value());
    while (!checked.end)
      REQUIRE(reader.read_on(*file, text.size(), checked).has_value());
    PackedRecords records;
    for (const auto& record : checked.records.all())
      records.add(record, 0);
    draft = build_manifest(records, {}, {1});
    digest = freeze_body(disk, draft, paths, "/working").value();
    for (auto& block : checked.blocks)
      blocks.push_back({1, std::move(block)});
    text.back() = ']';
    std::replace(text.begin(), text.end(), '\n', ',');
    body = "{\"requests\":[" + text + "}";
  }

  /// Spoils the file once `change_at` bytes were given.
  static boost::asio::awaitable<Given> read_all(KeptBench& bench, std::optional<std::size_t> change_at) {
    auto is_current = [&bench] { return bench.looks.at(bench.looked++); };
    auto kept = KeptBody::of(bench.disk, bench.draft, bench.paths, bench.blocks, std::move(is_current));
    REQUIRE(kept != nullptr);
    const auto manifest = bench.draft.manifest.encode();
    BatchBody source(bench.workers, BodyReader(bench.disk, manifest, bench.paths), bench.draft.body_length,
                     bench.digest, std::move(kept));
    const auto spoil = [&](const Given& given) {
      if (!change_at || given.bytes.size() < *change_at)
        return;
      auto changed = bench.disk.content("/working/1");
      changed[changed.find("user-77\"")] = 'U';
      bench.disk.put("/working/1", changed);
      change_at.reset();
    };
    co_return co_await drain(source, spoil);
  }
  Given read(std::optional<std::size_t> change_at = {}) { return loop.run(read_all(*this, change_at)); }

  std::vector<bool> looks;
  std::size_t looked = 0;
  test::Loop loop;
  fakes::InlineWorkers workers{loop.context};
  fakes::MemFiles disk;
  BodyPaths paths;
  BlockPool pool{100, BlockReader::kPooledBytes};
  UserKeys keys{std::array<std::byte, UserKeys::kSecretBytes>{}};
  BlockReader reader{{}, keys, BlockReader::kBlockBytes, &pool};
  std::vector<KeptBlock> blocks;
  DraftBatch draft;
  Digest digest{};
  std::string body;
};

}  // namespace

TEST_CASE(
    "A body that was kept is not read, but its files are looked at before it begins and before it ends") {
  KeptBench bench({true, true});
  bench.disk.fail_open(1, Error{Errc::io, "nobody should read"});
  const auto given = bench.read();
  CHECK_FALSE(given.error);
  CHECK((given.bytes == bench.body));
  CHECK(bench.looked == 2);
}

TEST_CASE("A kept body whose files somebody wrote to is read from them instead") {
  SUBCASE("they hold the same") {
    KeptBench bench({false});
    const auto given = bench.read();
    CHECK_FALSE(given.error);
    CHECK((given.bytes == bench.body));
  }
  SUBCASE("they hold something else") {
    KeptBench bench({false});
    const auto given = bench.read(0);
    REQUIRE(given.error);
    CHECK(given.error->code == Errc::corrupt);
    CHECK(given.bytes.size() < bench.body.size());
  }
}

TEST_CASE("A kept body whose files somebody writes to while it is sent ends only if they hold the same") {
  SUBCASE("they do") {
    KeptBench bench({true, false});
    const auto given = bench.read();
    CHECK_FALSE(given.error);
    CHECK((given.bytes == bench.body));
  }
  SUBCASE("they do not") {
    KeptBench bench({true, false});
    const auto given = bench.read(100'000);
    REQUIRE(given.error);
    CHECK(given.error->code == Errc::corrupt);
    CHECK(given.bytes.size() > 100'000);
    CHECK(given.bytes.size() < bench.body.size());
  }
}
