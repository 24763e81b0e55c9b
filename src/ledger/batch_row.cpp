#include "src/ledger/batch_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace usherd {

static_assert(std::endian::native == std::endian::little, "user keys are stored as they lie in memory");

std::string encode_keys(std::span<const std::uint64_t> keys) {
  std::string bytes(keys.size_bytes(), '\0');
  if (!keys.empty())
    std::memcpy(bytes.data(), keys.data(), bytes.size());
  return bytes;
}

Result<std::vector<std::uint64_t>> decode_keys(std::string_view bytes) {
  if (bytes.size() % sizeof(std::uint64_t) != 0)
    return Error{Errc::corrupt, "user keys in the ledger are damaged"};
  std::vector<std::uint64_t> keys(bytes.size() / sizeof(std::uint64_t));
  if (!keys.empty())
    std::memcpy(keys.data(), bytes.data(), bytes.size());
  return keys;
}

namespace {

Result<void> read_body(Statement& row, BatchRow& batch) {
  const auto digest = row.bytes();
  if (digest.size() != batch.digest.size())
    return Error{Errc::corrupt, "its digest is damaged"};
  std::copy(digest.begin(), digest.end(), batch.digest.begin());
  auto manifest = Manifest::decode(row.bytes());
  if (!manifest)
    return manifest.error();
  batch.manifest = std::move(*manifest);
  auto users = decode_keys(row.bytes());
  if (!users)
    return users.error();
  batch.users = std::move(*users);
  auto seconds = decode_keys(row.bytes());
  if (!seconds)
    return seconds.error();
  batch.seconds = std::move(*seconds);
  return {};
}

}  // namespace

Result<BatchRow> read_batch(Statement& row) {
  BatchRow batch;
  batch.id = row.number();
  batch.key = row.text();
  const auto state = row.number();
  if (state > static_cast<std::uint64_t>(BatchState::retired))
    return Error{Errc::corrupt, fmt::format("batch {} is in an unknown state {}", batch.id, state)};
  batch.state = static_cast<BatchState>(state);
  batch.framing = static_cast<int>(row.integer());
  batch.body_length = row.number();
  const auto body = read_body(row, batch);
  if (!body)
    return body.error().within(fmt::format("batch {}", batch.id));
  batch.created = row.wall();
  const auto sent = row.optional_wall();
  const auto boot = row.integer();
  const auto boot_id = row.text();
  if (sent)
    batch.sent = SendTime{*sent, BootTime{BootTime::duration{boot}}, boot_id};
  batch.abandoned = static_cast<std::uint32_t>(row.number());
  batch.rekey_reason = row.text();
  batch.tries_without_verdict = static_cast<std::uint32_t>(row.number());
  batch.job = row.text();
  batch.job_created = row.optional_wall();
  batch.submitted = row.optional_wall();
  batch.heir_of = row.number();
  return batch;
}

}  // namespace usherd
