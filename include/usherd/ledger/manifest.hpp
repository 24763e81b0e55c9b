#pragma once

#include "usherd/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

using FileNumber = std::uint64_t;

/// Neighbouring lines of one file: the body holds their very bytes, newlines turned into commas.
struct Run {
  FileNumber file = 0;
  std::uint64_t offset = 0;  ///< of the first record's first byte, in the NDJSON that is read
  std::uint64_t length = 0;  ///< up to the last record's end, without its newline
  std::uint64_t line = 0;    ///< of the first record; the others follow without a gap
  std::uint32_t records = 0;

  friend bool operator==(const Run&, const Run&) = default;
};

/// A record made of several of one user; its bytes stand in the batch's own file of merged records.
struct Literal {
  std::uint64_t offset = 0;  ///< in that file
  std::uint64_t length = 0;
  std::vector<Run> sources;  ///< oldest first, one record each

  friend bool operator==(const Literal&, const Literal&) = default;
};

/// What a frozen batch consists of, in the order of its body: the runs, then the literals.
struct Manifest {
  std::vector<Run> runs;
  std::vector<Literal> literals;

  /// Records in the body: what the API counts as operations.
  [[nodiscard]] std::uint64_t operations() const;
  /// Records of the spool that it carries, each source of a literal counted.
  [[nodiscard]] std::uint64_t records() const;
  /// The page of this format is docs/ledger.md.
  [[nodiscard]] std::string encode() const;
  /// Errc::corrupt when the bytes are not a manifest.
  [[nodiscard]] static Result<Manifest> decode(std::string_view bytes);

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// How a body is framed around its records, and what its digest is reckoned from; a change is a new number,
/// so that old bodies can be rebuilt. The digest was that of the whole body in version 1; now it is that of
/// its records' sums.
inline constexpr int kFramingVersion = 2;
inline constexpr int kFramingOfWholeBodies = 1;

}  // namespace usherd
