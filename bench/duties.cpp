#include "sink_connection.hpp"
#include "threads.hpp"

#include "usherd/adapters/posix_files.hpp"
#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/freezer.hpp"
#include "usherd/batch/kept_body.hpp"
#include "usherd/batch/manifest_builder.hpp"
#include "usherd/batch/packed_records.hpp"
#include "usherd/batch/record_sums.hpp"
#include "usherd/batch/user_order.hpp"
#include "usherd/validate/block_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

// The least that usherd's promises cost: the floor program with those duties that touch each record, done by
// usherd's own parts in one thread. The record rules; the order of each user's updates; a batch that could be
// sent again, so that it has a manifest and a digest of what was checked. No ledger, no syncs, no spool, no
// merging, no retries, no polls, no receipts, no event loop. With `--bodies read` nothing stays in memory:
// each body is read from the files a second time and proved to be what was checked. With `--threads 2` two of
// these share the files and nothing else: each keeps the order of the users it meets. That is less than what
// is promised, and more than one daemon could share out.

namespace {

using namespace usherd;

constexpr std::size_t kMostRecords = 50'000;
constexpr std::size_t kPiece = 256U << 10;
/// Blocks of the largest body, and of what waits behind it.
constexpr std::size_t kMostKept = 128;

template <class Value>
Value want(Result<Value> result) {
  if (!result)
    fail(result.error().message);
  return std::move(*result);
}

UserKeys make_keys() {
  std::array<std::byte, UserKeys::kSecretBytes> secret;
  std::random_device source;
  for (auto& byte : secret)
    byte = static_cast<std::byte>(source());
  return UserKeys(secret);
}

class Carrier {
 public:
  Carrier(SSL_CTX* context, const Options& options)
      : connection_(context, options.port),
        key_(options.key),
        keys_(make_keys()),
        reader_({}, keys_, BlockReader::kBlockBytes, options.read_bodies ? nullptr : &pool_) {
    for (std::size_t i = 0; i < options.files.size(); ++i) {
      paths_.files.put(i, options.files[i]);
      numbers_.push_back(i);
    }
  }

  void take(std::uint32_t number, const std::string& path) {
    const auto file = want(files_.open(path));
    const auto size = want(file->size());
    CheckedBlock block;
    while (!block.end) {
      if (!reader_.read(*file, block.next_offset, block.next_line, size, block))
        fail("cannot read " + path);
      if (!block.rejections.empty())
        fail(path + ": " + block.rejections.front().message);
      place(block, number);
    }
  }

  /// What is left, and what had to wait for it.
  void finish() {
    while (!load_.empty())
      send();
  }

  [[nodiscard]] std::uint64_t records() const { return records_; }

 private:
  void place(const CheckedBlock& block, std::uint32_t number) {
    for (const auto user : block.records.columns().users)
      order_.prefetch(user);
    const auto& bytes = block.blocks.front();
    for (const auto& record : block.records.all()) {
      if (order_.offer(record, number, UserOrder::kNobody) == UserOrder::Offer::taken)
        add(record, number, &bytes);
    }
  }

  void add(const Record& record, std::uint32_t file, const BlockBytes* block) {
    if (load_.empty())
      load_.reserve(kMostRecords);
    load_.add(record, file);
    if (block != nullptr && block->bytes != nullptr &&
        (blocks_.empty() || blocks_.back().block.bytes != block->bytes))
      blocks_.push_back({file, *block});
    if (load_.size() == kMostRecords)
      send();
  }

  void send() {
    auto draft = build_manifest(load_, {}, numbers_);
    want(freeze_body(files_, draft, paths_, {}));
    const auto kept = KeptBody::of(files_, draft, paths_, std::exchange(blocks_, {}), {});
    connection_.write_head(key_, draft.body_length);
    if (kept != nullptr)
      write_kept(*kept);
    else
      write_read(draft);
    connection_.expect_ok();
    records_ += draft.sums.size();
    settle(draft.users);
  }

  void write_kept(KeptBody& body) {
    for (auto piece = body.next(); !piece.empty(); piece = body.next())
      connection_.write({piece.data(), piece.size()});
  }

  void write_read(const DraftBatch& draft) {
    const auto manifest = draft.manifest.encode();
    const auto known = record_sums(draft.lengths, draft.sums);
    std::vector<std::uint64_t> sums;
    BodyReader body(files_, manifest, paths_, kFramingVersion, &sums, known);
    while (const auto got = want(body.read(piece_)))
      connection_.write({piece_.data(), got});
    if (draft.sums != sums)
      fail("the files changed while they were sent");
  }

  void settle(const std::vector<std::uint64_t>& users) {
    for (const auto user : users)
      order_.prefetch(user);
    for (const auto user : users)
      order_.release(user);
    while (order_.has_ready()) {
      const auto [record, file] = order_.take_ready(UserOrder::kNobody);
      add(record, file, nullptr);
    }
  }

  Connection connection_;
  std::string key_;
  UserKeys keys_;
  BlockPool pool_{kMostKept, BlockReader::kPooledBytes};
  BlockReader reader_;
  PosixFiles files_;
  BodyPaths paths_;
  UserOrder order_;
  PackedRecords load_;             // of the next POST
  std::vector<KeptBlock> blocks_;  // in which they stand
  std::vector<FileNumber> numbers_;
  std::vector<char> piece_ = std::vector<char>(kPiece);
  std::uint64_t records_ = 0;
};

std::uint64_t send_all(const Options& options) {
  const auto context = make_context(options);
  return on_threads(options.threads, options.files.size(), [&](const NextFile& next) {
    Carrier carrier(context.get(), options);
    while (const auto i = next())
      carrier.take(static_cast<std::uint32_t>(*i), options.files[*i]);
    carrier.finish();
    return carrier.records();
  });
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::printf("%llu\n",
                static_cast<unsigned long long>(send_all(Options::parse("duties", count, arguments))));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "duties: %s\n", error.what());
    return 1;
  }
  return 0;
}
