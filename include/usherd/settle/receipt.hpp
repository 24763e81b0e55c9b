#pragma once

#include "usherd/core/clock.hpp"
#include "usherd/core/result.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace usherd {

/// What a receipt says of the file as a whole. Owns nothing.
struct Receipt {
  std::string_view file;
  FileNumber sequence = 0;
  WallTime accepted{};
  WallTime finished{};
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  Outcomes outcomes;
  std::string_view original;  ///< the name it was dropped under; shown where it differs from `file`
  std::string_view tail;      ///< the file that holds what was appended after the claim; empty for none
};

/// Writes a receipt piece by piece, so that its size does not matter. The file must outlive it; it never
/// syncs. begin once, add for each batch, end once.
class ReceiptWriter {
 public:
  explicit ReceiptWriter(WriteFile& file) : file_(file) {}

  [[nodiscard]] Result<void> begin(const Receipt& receipt);
  [[nodiscard]] Result<void> add(const ReceiptBatch& batch);
  [[nodiscard]] Result<void> end();

 private:
  [[nodiscard]] Result<void> flush();

  WriteFile& file_;
  std::string pending_;
  bool any_ = false;
};

/// How the receipt and the refusal of this file, and of no other, begin.
[[nodiscard]] std::string start_of_word(const SpoolFile& file);

/// What is said of a file that was refused whole: {"file","sequence","accepted","refused","bytes","code",
/// "message"}, and "original" where that differs.
[[nodiscard]] std::string refusal_text(const SpoolFile& file, WallTime refused);

}  // namespace usherd
