#include "src/ledger/batch_row.hpp"
#include "src/ledger/each_row.hpp"
#include "src/ledger/moves.hpp"
#include "usherd/ledger/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace usherd {
namespace {

constexpr std::string_view kBatchCounter = "last_batch";

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<void> insert_share(Database& database, BatchId batch, const Share& share) {
  const auto changed = database.run("INSERT INTO shares VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0)", batch,
                                    share.file, share.end_offset, share.records);
  if (!changed)
    return changed.error();
  return {};
}

/// The end offset stays: it bounds what the manifest covers from above, also when that was made smaller.
Result<void> end_share(Database& database, BatchId batch, const Share& share) {
  const auto& outcomes = share.outcomes;
  if (outcomes.ended() != share.records)
    return Error{Errc::corrupt, fmt::format("file {}: {} records have {} outcomes", share.file, share.records,
                                            outcomes.ended())};
  const auto changed = database.run(
      "UPDATE shares SET records = ?3, imported = ?4, rejected = ?5, merged = ?6, unknown = ?7, rekeyed = ?8,"
      " has_rejects = ?9 WHERE batch = ?1 AND file = ?2",
      batch, share.file, share.records, outcomes.imported, outcomes.rejected, outcomes.merged,
      outcomes.unknown, outcomes.rekeyed, share.has_rejects);
  if (!changed)
    return changed.error();
  if (*changed == 0)
    return Error{Errc::corrupt, fmt::format("it holds nothing of file {}", share.file)};
  return {};
}

Result<std::uint64_t> count_shares(Database& database, BatchId batch) {
  auto found = database.query("SELECT count(*) FROM shares WHERE batch = ?", batch);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  return found->number();
}

/// The keys of a body's operations without those of literals that stand no more in `left`; with `keeps_all`
/// these follow behind the others.
std::string keys_of_left(std::string_view keys, const Manifest& before, const Manifest& left,
                         bool keeps_all) {
  const auto runs = before.operations() - before.literals.size();
  if (keys.size() != before.operations() * sizeof(std::uint64_t))
    return std::string(keys);
  std::string out(keys.substr(0, runs * sizeof(std::uint64_t)));
  std::string removed;
  for (std::size_t i = 0, next = 0; i < before.literals.size(); ++i) {
    const bool stays = next < left.literals.size() && before.literals[i] == left.literals[next];
    (stays ? out : removed) += keys.substr((runs + i) * sizeof(std::uint64_t), sizeof(std::uint64_t));
    next += stays ? 1 : 0;
  }
  return keeps_all ? out + removed : out;
}

/// A manifest with fewer literals, and the user keys that go with it.
Result<void> replace_manifest(Database& database, BatchId id, const Manifest& left) {
  std::string users;
  std::string seconds;
  {
    auto found = database.query(
        "SELECT heir_of, manifest, users, seconds FROM bodies JOIN batches ON id = batch"
        " WHERE batch = ?",
        id);
    if (!found)
      return found.error();
    const auto row = found->row();
    if (!row)
      return row.error();
    if (!*row)
      return Error{Errc::corrupt, "it has no body"};
    // The abandoned keys of its family may run with these users until the last heir has ended.
    const bool is_heir = found->number() > 0;
    const auto before = Manifest::decode(found->bytes());
    if (!before)
      return before.error();
    users = keys_of_left(found->bytes(), *before, left, is_heir);
    seconds = keys_of_left(found->bytes(), *before, left, is_heir);
  }
  const auto bytes = left.encode();
  const auto replaced =
      database.run("UPDATE bodies SET manifest = ?2, users = ?3, seconds = ?4 WHERE batch = ?1", id,
                   Blob{bytes}, Blob{users}, Blob{seconds});
  if (!replaced)
    return replaced.error();
  return {};
}

Result<void> insert_single(Database& database, const Run& run) {
  if (run.records != 1)
    return Error{Errc::corrupt, fmt::format("{} records cannot be a single one", run.records)};
  const auto changed =
      database.run("INSERT INTO singles VALUES (?, ?, ?, ?)", run.file, run.offset, run.length, run.line);
  if (!changed)
    return changed.error();
  return {};
}

/// The family of a batch that ended as the last of it; 0: others are open, or it has none.
Result<BatchId> ended_family(Database& database, BatchId id) {
  // Asked of the open batches: a family may be large.
  auto found = database.query(
      "SELECT heir_of FROM batches AS ended WHERE id = ? AND heir_of > 0 AND NOT EXISTS"
      " (SELECT 1 FROM batches AS heir INDEXED BY batches_open WHERE heir.state < 2"
      " AND heir.heir_of = ended.heir_of)",
      id);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  return *row ? found->number() : 0;
}

/// Drops the heirs whose files were forgotten while others of their family were open, once none is.
Result<void> drop_forgotten_heirs(Database& database, BatchId id) {
  const auto root = ended_family(database, id);
  if (!root)
    return root.error();
  if (*root == 0)
    return {};
  constexpr const char* kStatements[] = {
      "DELETE FROM bodies WHERE batch IN (SELECT id FROM batches WHERE heir_of > 0 AND heir_of = ?"
      " AND NOT EXISTS (SELECT 1 FROM shares WHERE batch = id))",
      "DELETE FROM batches WHERE heir_of > 0 AND heir_of = ?"
      " AND NOT EXISTS (SELECT 1 FROM shares WHERE batch = id)"};
  for (const auto* statement : kStatements) {
    if (const auto dropped = database.run(statement, *root); !dropped)
      return dropped.error();
  }
  return {};
}

/// Both keys of each user of the heirs that ended.
Result<std::vector<std::uint64_t>> users_of_ended(Database& database, BatchId root) {
  std::vector<std::uint64_t> users;
  const auto add_keys = [&users](Statement& row) -> Result<void> {
    for (int column = 0; column < 2; ++column) {
      const auto keys = decode_keys(row.bytes());
      if (!keys)
        return keys.error();
      std::copy_if(keys->begin(), keys->end(), std::back_inserter(users), [](auto key) { return key != 0; });
    }
    return {};
  };
  auto done = each_row(
      database.query(
          "SELECT users, seconds FROM batches JOIN bodies ON batch = id WHERE heir_of = ? AND state = 2",
          root),
      add_keys);
  if (!done)
    return done.error();
  return users;
}

}  // namespace

Result<BatchId> Ledger::last_batch_id() {
  return counter(*database_, kBatchCounter);
}

Result<void> Ledger::batches_given(BatchId last) {
  assert(database_->in_transaction());
  return raise_counter(*database_, kBatchCounter, last);
}

Result<void> Ledger::insert_batch(const BatchRow& batch, std::span<const Share> shares) {
  assert(database_->in_transaction());
  const auto move = fmt::format("freeze batch {}", batch.id);
  if (batch.id == 0 || batch.state != BatchState::frozen || batch.key.empty() || shares.empty())
    return Error{Errc::corrupt, fmt::format("{}: a batch enters frozen, with an id, a key and shares", move)};
  const auto sent_wall = batch.sent ? std::optional{batch.sent->wall} : std::nullopt;
  const auto sent_boot = batch.sent ? std::optional{batch.sent->boot} : std::nullopt;
  const auto boot_id = batch.sent ? std::optional<std::string_view>{batch.sent->boot_id} : std::nullopt;
  const auto row = database_->run(
      "INSERT INTO batches (id, key, state, framing, body_length, digest, created, sent_wall, sent_boot, "
      "sent_boot_id,"
      " abandoned, rekey_reason, tries_without_verdict, job, job_created, submitted, heir_of)"
      " VALUES (?,?,0,?,?,?,?,?,?,?,?,?,?,'',NULL,NULL,?)",
      batch.id, batch.key, batch.framing, batch.body_length, Blob{bytes_of(batch.digest)}, batch.created,
      sent_wall, sent_boot, boot_id, batch.abandoned, batch.rekey_reason, batch.tries_without_verdict,
      batch.heir_of);
  if (!row)
    return row.error().within(move);
  const auto manifest = batch.manifest.encode();
  const auto users = encode_keys(batch.users);
  const auto seconds = encode_keys(batch.seconds);
  const auto body = database_->run("INSERT INTO bodies VALUES (?, ?, ?, ?)", batch.id, Blob{manifest},
                                   Blob{users}, Blob{seconds});
  if (!body)
    return body.error().within(move);
  for (const auto& share : shares) {
    const auto held = insert_share(*database_, batch.id, share);
    if (!held)
      return held.error().within(move);
  }
  return raise_counter(*database_, kBatchCounter, batch.id);
}

Result<void> Ledger::open_batches(const std::function<Result<void>(BatchRow)>& visit) {
  auto found = database_->query(
      "SELECT id, key, state, framing, body_length, digest, manifest, users, seconds, created, sent_wall, "
      "sent_boot,"
      " sent_boot_id, abandoned, rekey_reason, tries_without_verdict, job, job_created, submitted, heir_of"
      " FROM batches JOIN bodies ON batch = id WHERE state < 2 ORDER BY id");
  return each_row(std::move(found), [&visit](Statement& row) -> Result<void> {
    auto batch = read_batch(row);
    if (!batch)
      return batch.error();
    return visit(std::move(*batch));
  });
}

Result<Manifest> Ledger::manifest(BatchId id) {
  auto found = database_->query("SELECT manifest FROM bodies WHERE batch = ?", id);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  if (!*row)
    return Error{Errc::not_found, fmt::format("the ledger holds no manifest of batch {}", id)};
  auto manifest = Manifest::decode(found->bytes());
  if (!manifest)
    return manifest.error().within(fmt::format("batch {}", id));
  return manifest;
}

Result<void> Ledger::rekey(BatchId id, std::string_view key, bool abandons, std::string_view reason) {
  assert(database_->in_transaction());
  const auto changed = database_->run(
      "UPDATE batches SET key = ?2, state = 0, abandoned = abandoned + ?3,"
      " rekey_reason = iif(?3, ?4, rekey_reason), sent_wall = NULL, sent_boot = NULL, sent_boot_id = NULL,"
      " job = '', job_created = NULL, submitted = NULL WHERE id = ?1 AND state IN (0, 1)",
      id, key, abandons, reason);
  return batch_moved(*database_, changed, id, fmt::format("give batch {} another key", id));
}

Result<void> Ledger::set_sent(BatchId id, const std::optional<SendTime>& sent) {
  assert(database_->in_transaction());
  const auto wall = sent ? std::optional{sent->wall} : std::nullopt;
  const auto boot = sent ? std::optional{sent->boot} : std::nullopt;
  const auto boot_id = sent ? std::optional<std::string_view>{sent->boot_id} : std::nullopt;
  const auto changed = database_->run(
      "UPDATE batches SET sent_wall = ?2, sent_boot = ?3, sent_boot_id = ?4 WHERE id = ?1 AND state IN (0, "
      "1)",
      id, wall, boot, boot_id);
  return batch_moved(*database_, changed, id, fmt::format("mark batch {} as sent", id));
}

Result<void> Ledger::batch_accepted(BatchId id, std::string_view job, std::optional<WallTime> job_created,
                                    WallTime submitted) {
  assert(database_->in_transaction());
  const auto changed = database_->run(
      "UPDATE batches SET state = 1, job = ?2, job_created = ?3, submitted = ?4 WHERE id = ?1 AND state IN "
      "(0, 1)",
      id, job, job_created, submitted);
  return batch_moved(*database_, changed, id, fmt::format("write down the job of batch {}", id));
}

Result<void> Ledger::count_try_without_verdict(BatchId id) {
  assert(database_->in_transaction());
  const auto changed = database_->run(
      "UPDATE batches SET tries_without_verdict = tries_without_verdict + 1 WHERE id = ? AND state IN (0, 1)",
      id);
  return batch_moved(*database_, changed, id, fmt::format("count a job of batch {}", id));
}

Result<void> Ledger::batch_retired(BatchId id, const Estate& estate) {
  assert(database_->in_transaction());
  const auto move = fmt::format("retire batch {}", id);
  const auto changed = database_->run("UPDATE batches SET state = 3 WHERE id = ? AND state IN (0, 1)", id);
  auto moved = batch_moved(*database_, changed, id, move);
  if (!moved)
    return moved;
  const auto body = database_->run("DELETE FROM bodies WHERE batch = ?", id);
  if (!body)
    return body.error().within(move);
  if (auto dropped = drop_forgotten_heirs(*database_, id); !dropped)
    return dropped.error().within(move);
  if (estate.root == 0)
    return {};
  const auto held = database_->run(
      "UPDATE batches SET held_keys = held_keys + ?2, held_operations = held_operations + ?3"
      " WHERE id = ?1 AND state = 3",
      estate.root, estate.keys, estate.operations);
  return batch_moved(*database_, held, estate.root, fmt::format("note the abandoned keys of batch {}", id));
}

Result<std::vector<Estate>> Ledger::estates() {
  auto found = database_->query(
      "SELECT id, held_keys, held_operations FROM batches WHERE id IN"
      " (SELECT heir_of FROM batches WHERE heir_of > 0 AND state < 2) ORDER BY id");
  auto estates = all_rows<Estate>(std::move(found), [](Statement& row) {
    Estate estate;
    estate.root = row.number();
    estate.keys = static_cast<std::uint32_t>(row.number());
    estate.operations = row.number();
    return estate;
  });
  if (!estates)
    return estates;
  for (auto& estate : *estates) {
    auto users = users_of_ended(*database_, estate.root);
    if (!users)
      return users.error().within(fmt::format("heirs of batch {}", estate.root));
    estate.users = std::move(*users);
  }
  return estates;
}

Result<void> Ledger::batch_ended(BatchId id, std::span<const Share> shares, WallTime finished,
                                 const Manifest* manifest, std::span<const Run> singles) {
  assert(database_->in_transaction());
  const auto move = fmt::format("end batch {}", id);
  const auto changed = database_->run(
      "UPDATE batches SET state = 2, finished = ?2 WHERE id = ?1 AND state IN (0, 1)", id, finished);
  auto moved = batch_moved(*database_, changed, id, move);
  if (!moved)
    return moved;
  const auto held = count_shares(*database_, id);
  if (!held)
    return held.error().within(move);
  if (*held != shares.size())
    return Error{Errc::corrupt,
                 fmt::format("{}: outcomes of {} files given, it holds {}", move, shares.size(), *held)};
  for (const auto& share : shares) {
    const auto ended = end_share(*database_, id, share);
    if (!ended)
      return ended.error().within(move);
  }
  if (manifest != nullptr) {
    if (auto replaced = replace_manifest(*database_, id, *manifest); !replaced)
      return replaced.error().within(move);
  }
  if (auto dropped = drop_forgotten_heirs(*database_, id); !dropped)
    return dropped.error().within(move);
  for (const auto& single : singles) {
    const auto kept = insert_single(*database_, single);
    if (!kept)
      return kept.error().within(move);
  }
  return {};
}

}  // namespace usherd
