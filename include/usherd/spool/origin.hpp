#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/json_document.hpp"
#include "usherd/spool/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace usherd {

/// On disk an origin is three little-endian 64-bit numbers: offset, line, length.
inline constexpr std::size_t kOriginBytes = 24;
void append_origin(std::string& out, const Origin& origin);
/// `bytes` holds kOriginBytes.
[[nodiscard]] Origin decode_origin(std::string_view bytes);

/// Origins of one converted file by converted line. Owns an open file; safe to use from several threads at
/// once.
class Origins {
 public:
  [[nodiscard]] static Result<Origins> open(Files& files, const SpoolLayout& layout, FileNumber number);
  /// `line` counts from 1. Errc::corrupt when the file has no such line. Blocks.
  [[nodiscard]] Result<Origin> of(std::uint64_t line) const;

 private:
  explicit Origins(std::unique_ptr<ReadFile> file) : file_(std::move(file)) {}
  std::unique_ptr<ReadFile> file_;
};

/// The origin of a record as it is read: looked up for a converted file, itself (length 0, as unknown) for
/// NDJSON, also where that was unpacked, and where the origins are lost: no reject is held up over its place.
/// Blocks.
[[nodiscard]] Result<Origin> origin_of(Files& files, const SpoolLayout& layout, const SpoolFile& file,
                                       std::uint64_t line, std::uint64_t offset);

}  // namespace usherd
