#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/ledger/manifest.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace usherd {

using BatchId = std::uint64_t;

enum class FileState : std::uint8_t {
  accepted = 0,  ///< in working/ under its number
  ready = 1,     ///< its records can be read as NDJSON (converted, where it was not NDJSON)
  refused = 2,   ///< refused whole; on its way to rejected/
  settled = 3,   ///< every record has its outcome, receipt written
};

/// How many records ended in which way. They add up to `records` once a file is settled.
struct Outcomes {
  std::uint64_t imported = 0;
  std::uint64_t rejected = 0;
  std::uint64_t merged = 0;
  std::uint64_t unknown = 0;
  std::uint64_t rekeyed =
      0;  ///< of all of these: sent again under a new key by one of the three named exceptions

  [[nodiscard]] std::uint64_t ended() const { return imported + rejected + merged + unknown; }
  Outcomes& operator+=(const Outcomes& other);
  friend bool operator==(const Outcomes&, const Outcomes&) = default;
};

/// How far a file has been read with every record before that point frozen into a batch or refused: the place
/// from which a restart reads again.
struct ReadMark {
  std::uint64_t offset = 0;
  std::uint64_t line = 1;
  std::uint64_t records = 0;         ///< non-blank lines before it
  std::uint64_t local_rejected = 0;  ///< of these, refused by a local rule
  std::uint64_t local_length = 0;    ///< bytes of the file of local rejects that belong to them
  std::uint64_t local_unknown = 0;   ///< of the records: lost, as the file became shorter

  friend bool operator==(const ReadMark&, const ReadMark&) = default;
};

/// An accepted file.
struct SpoolFile {
  FileNumber number = 0;
  std::string name;      ///< its name in done/ and rejected/, unique among all that are still kept
  std::string original;  ///< the name under which it was dropped, as bytes
  std::string working;   ///< its name in working/
  FileState state = FileState::accepted;
  std::uint64_t size = 0;  ///< at acceptance; nothing past it is read
  std::int64_t modified_ns = 0;
  WallTime accepted{};
  bool converted = false;       ///< its records stand in NNN.records, their origins in NNN.origins
  std::uint64_t read_size = 0;  ///< bytes of the NDJSON to read
  ReadMark mark;
  std::string refusal_code;  ///< with FileState::refused
  std::string refusal_message;
};

enum class BatchState : std::uint8_t {
  frozen = 0,    ///< key, length and digest are fixed; it may or may not have been sent
  accepted = 1,  ///< the API gave a job
  ended = 2,     ///< every record of it has its outcome
  retired = 3,   ///< never ran, or its key is given up; its records stand in other batches
};

/// When the first byte of a key's body may have left.
struct SendTime {
  WallTime wall{};
  BootTime boot{};
  std::string boot_id;  ///< boot times of different boots cannot be compared
};

using Digest = std::array<std::uint8_t, 16>;

/// A frozen batch.
struct BatchRow {
  BatchId id = 0;
  std::string key;  ///< its idempotency key
  BatchState state = BatchState::frozen;
  int framing = kFramingVersion;
  std::uint64_t body_length = 0;
  Digest digest{};  ///< XXH3-128 of what `framing` says
  Manifest manifest;
  std::vector<std::uint64_t> users;  ///< a user key for each operation in body order, 0 for anonymous ones
  std::vector<std::uint64_t>
      seconds;  ///< second keys of records that hold both, one for each operation, 0 for none; or empty
  WallTime created{};
  std::optional<SendTime> sent;
  std::uint32_t abandoned =
      0;  ///< keys given up by an exception while they may still run: each holds a budget slot
  std::string rekey_reason;                 ///< of the last such; empty where there was none
  std::uint32_t tries_without_verdict = 0;  ///< jobs of it that failed without naming an error
  std::string job;
  std::optional<WallTime> job_created;
  std::optional<WallTime> submitted;
  /// The retired batch, several divisions back, whose abandoned keys hold their places until this one and all
  /// that descend from it have ended; 0 where there is none.
  BatchId heir_of = 0;
};

/// What the abandoned keys of a batch that was divided go on holding, until the last of its heirs has ended.
struct Estate {
  BatchId root = 0;  ///< the batch that was divided first; 0: nothing is held
  std::uint32_t keys = 0;
  std::uint64_t operations = 0;      ///< of all these keys together
  std::vector<std::uint64_t> users;  ///< both keys of the users of heirs that ended
};

/// What one batch holds of one file, and how that ended.
struct Share {
  BatchId batch = 0;
  FileNumber file = 0;
  std::uint64_t end_offset = 0;  ///< where its last run in the file ends
  std::uint64_t records = 0;
  Outcomes outcomes;
  bool has_rejects = false;  ///< working/ holds reject lines of this share
};

/// A line of a receipt.
struct ReceiptBatch {
  BatchId batch = 0;
  std::string job;
  Share share;
  std::optional<WallTime> submitted;
  std::optional<WallTime> finished;
};

}  // namespace usherd
