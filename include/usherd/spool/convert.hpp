#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"

#include <atomic>
#include <cstdint>
#include <string_view>

namespace usherd {

/// What is to be read of an accepted file: what Ledger::file_ready is told.
struct Conversion {
  bool converted = false;
  std::uint64_t read_size = 0;
};

/// Turns one format into NDJSON: fed the bytes of a file in pieces, it hands each record on as one line.
class Converter {
 public:
  virtual ~Converter() = default;
  /// Errc::invalid, with line and offset, where the document is damaged; any other error is the output's.
  [[nodiscard]] virtual Result<void> feed(std::string_view bytes) = 0;
  [[nodiscard]] virtual Result<void> finish() = 0;
};

/// Makes an accepted file readable as NDJSON: NDJSON is so already; everything else is converted whole into
/// layout.records() with layout.origins() beside it, both synced, whatever stood there before being made
/// anew. Reads the bytes that were accepted and nothing past them, in pieces of 256 KiB. Errc::invalid:
/// refuse the file as `damaged_document`. Errc::cancelled soon after `stop` turned true. Blocks for long: for
/// a worker.
[[nodiscard]] Result<Conversion> convert_file(Files& files, const SpoolLayout& layout, const SpoolFile& file,
                                              const std::atomic<bool>* stop = nullptr);

}  // namespace usherd
