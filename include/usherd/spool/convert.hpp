#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/spool/origin.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// The one refusal that limits of the configuration decide, and not the file alone.
inline constexpr std::string_view kTooLargeUnpacked = "too_large_unpacked";

/// The one refusal whose message shows content of the file: logged_reason() tells what a log may say.
inline constexpr std::string_view kBadHeader = "bad_header";

/// Why a file is refused whole: what Ledger::file_refused is told. Codes: damaged_archive, damaged_document,
/// bad_header, too_large_unpacked.
struct Refusal {
  std::string code;
  std::string message;
};

/// What is to be read of an accepted file: what Ledger::file_ready is told. With a refusal nothing is.
struct Conversion {
  bool converted = false;
  std::uint64_t read_size = 0;
  std::optional<Refusal> refusal;
};

/// Bounds what a file may become, on disk too.
struct ConvertLimits {
  /// The ratio counts from here on: small files may hold much of the same.
  static constexpr std::uint64_t kFreeBytes = std::uint64_t{16} << 20;

  std::uint64_t max_unpacked = std::uint64_t{64} << 30;  ///< bytes
  std::uint64_t max_ratio = 200;
  /// Asked each 16 MiB whether more may be written; its error ends the conversion. Empty: always.
  std::function<Result<void>()> room = {};
};

/// Gets each record made into one line without its newline, and where it stood.
using EmitRecord = std::function<Result<void>(std::string_view line, const Origin& origin)>;

/// Turns one format into NDJSON: fed the bytes of a file in pieces, it hands each record on as one line.
class Converter {
 public:
  virtual ~Converter() = default;
  /// Errc::invalid, with line and offset, where the document is damaged; any other error is the output's.
  [[nodiscard]] virtual Result<void> feed(std::string_view bytes) = 0;
  [[nodiscard]] virtual Result<void> finish() = 0;
  /// In place of finish(), where so many bytes that were accepted are not there any more: what ends in the
  /// middle is not taken.
  [[nodiscard]] virtual Result<void> finish_cut(std::uint64_t /*missing*/) { return finish(); }
};

/// For an uncompressed file of that format.
[[nodiscard]] std::unique_ptr<Converter> make_converter(Format format, EmitRecord emit);

/// Hands the records of a file on without writing anything; at most `size` bytes of it are read. A line that
/// stands for a CSV row which cannot be read is one that read_bad_row() takes. Errors: those of `file` and
/// `emit`.
[[nodiscard]] Result<std::optional<Refusal>> stream_records(ReadFile& file, std::uint64_t size,
                                                            FileFormat format, const ConvertLimits& limits,
                                                            const EmitRecord& emit);

/// Makes an accepted file readable as NDJSON: plain NDJSON is so already; compressed NDJSON is unpacked into
/// layout.records(), line for line; everything else is converted into it with layout.origins() beside it. All
/// of it is synced, and whatever stood there before is made anew; without a good end nothing is left of it.
/// Reads the bytes that were accepted and nothing past them, in pieces of 256 KiB. Errors: the disk's, and
/// those of `limits.room`; Errc::cancelled soon after `stop` turned true. Blocks for long: for a worker.
[[nodiscard]] Result<Conversion> convert_file(Files& files, const SpoolLayout& layout, const SpoolFile& file,
                                              const ConvertLimits& limits = {},
                                              const std::atomic<bool>* stop = nullptr);

}  // namespace usherd
