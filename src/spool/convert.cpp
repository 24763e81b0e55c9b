#include "usherd/spool/convert.hpp"

#include "src/spool/converted_records.hpp"
#include "src/spool/json_converter.hpp"
#include "usherd/spool/file_name.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace usherd {
namespace {

constexpr std::uint64_t kPiece = std::uint64_t{256} << 10;

/// Feeds the accepted bytes of a file to a converter.
Result<void> pour(ReadFile& source, std::uint64_t size, Converter& converter, const ConvertedRecords& out,
                  const std::atomic<bool>* stop) {
  std::vector<char> piece(std::min(size, kPiece));
  for (std::uint64_t offset = 0; offset < size;) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed))
      return Error{Errc::cancelled, "stopped"};
    const auto want = std::min<std::uint64_t>(piece.size(), size - offset);
    const auto length = source.read_at(std::span(piece).first(want), offset);
    if (!length)
      return length.error();
    // Shorter than it was accepted: the converter finds its document cut off.
    if (*length == 0)
      break;
    auto fed = converter.feed(std::string_view(piece.data(), *length));
    if (!out.status())
      return out.status();
    if (!fed)
      return fed;
    offset += *length;
  }
  return converter.finish();
}

}  // namespace

Result<Conversion> convert_file(Files& files, const SpoolLayout& layout, const SpoolFile& file,
                                const std::atomic<bool>* stop) {
  Conversion conversion;
  const auto format = format_of(file.original);
  if (!format || format->compression != Compression::none || format->format == Format::csv)
    return Error{Errc::invalid, "this format cannot be read"};
  if (format->format == Format::ndjson) {
    conversion.read_size = file.size;
    return conversion;
  }
  const auto source = files.open(layout.working_file(file));
  if (!source)
    return source.error();
  auto out = ConvertedRecords::make(files, layout, file.number);
  if (!out)
    return out.error();
  const auto converter = make_json_converter(*out);
  const auto poured = pour(**source, file.size, *converter, *out, stop);
  if (!poured)
    return poured.error();
  const auto finished = out->finish(files, layout);
  if (!finished)
    return finished.error();
  conversion.converted = true;
  conversion.read_size = out->size();
  return conversion;
}

}  // namespace usherd
