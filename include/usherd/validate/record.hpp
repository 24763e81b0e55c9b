#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace usherd {

/// The most bytes of one record: its line without the newline, blanks and a carriage return included.
inline constexpr std::size_t kMostRecordBytes = 1U << 20;

/// Set in Record::flags where the record may be folded with others of its user, if their types agree: it has
/// a uid or an id but not both, and neither null, nested object, schema, repeated member, empty string, empty
/// array nor an array of mixed types.
inline constexpr std::uint8_t kMergeable = 1;

/// Where an accepted record stands and what order needs to know of it. The bytes [offset, offset + length)
/// are the whole line without its newline: JSON blanks and a carriage return may surround the object, so that
/// a run of records is one run of bytes whose newlines can become commas.
struct Record {
  std::uint64_t user = 0;    ///< keyed hash of its uid, or of its id where it has no uid; 0: anonymous
  std::uint64_t second = 0;  ///< keyed hash of its id where it has both; else 0
  std::uint64_t offset = 0;  ///< of its first byte in the file
  std::uint64_t line = 0;    ///< 1-based
  std::uint64_t sum = 0;     ///< record_sum() of its bytes; 0: not known
  std::uint32_t length = 0;  ///< at most kMostRecordBytes
  std::uint8_t flags = 0;    ///< kMergeable
};

/// What a record's bytes are known by from the moment they were checked: XXH3-64, never 0.
[[nodiscard]] std::uint64_t record_sum(std::string_view bytes);

/// A line that breaks a local rule. The codes are those of docs/rejects.md; the message names the member and
/// what to do, shows user data only cut and made printable, and stays near 200 bytes.
struct Rejection {
  std::uint64_t offset = 0;
  std::uint64_t line = 0;  ///< 1-based
  std::uint64_t length =
      0;  ///< of the raw line without its newline; beyond kMostRecordBytes for an over-long one
  std::string code;
  std::string message;
  bool lost = false;  ///< no rule was broken: the file lost it after it was accepted, and it ends unknown
};

/// Rules that the operator chooses.
struct RecordRules {
  bool accept_anonymous = false;  ///< records.anonymous: accept
};

}  // namespace usherd
