#include "usherd/spool/convert.hpp"

#include "src/spool/converted_records.hpp"
#include "src/spool/csv_converter.hpp"
#include "src/spool/json_converter.hpp"
#include "src/spool/line_converter.hpp"
#include "src/spool/pouring.hpp"

#include <utility>

namespace usherd {
namespace {

/// Unpacked NDJSON is written as it comes: its lines are those of the original.
class CopyConverter final : public Converter {
 public:
  explicit CopyConverter(ConvertedRecords& out) : out_(out) {}
  Result<void> feed(std::string_view bytes) override {
    out_.copy(bytes);
    return out_.status();
  }
  Result<void> finish() override { return {}; }

 private:
  ConvertedRecords& out_;
};

std::unique_ptr<Converter> converter_into(ConvertedRecords& out, Format format) {
  if (format == Format::ndjson)
    return std::make_unique<CopyConverter>(out);
  return make_converter(format, [&out](std::string_view line, const Origin& origin) {
    out.add(line, origin);
    return out.status();
  });
}

Result<Conversion> convert_into(Files& files, const SpoolLayout& layout, const SpoolFile& file,
                                FileFormat format, const ConvertLimits& limits,
                                const std::atomic<bool>* stop) {
  const auto source = files.open(layout.working_file(file));
  if (!source)
    return source.error();
  auto out = ConvertedRecords::make(files, layout, file.number, format.format != Format::ndjson, limits);
  if (!out)
    return out.error();
  const auto converter = converter_into(*out, format.format);
  Pouring pouring{**source, file.size, format, limits, *converter, [&out] { return out->written(); }, stop};
  auto refusal = pouring.run();
  if (!refusal)
    return refusal.error();
  Conversion conversion;
  conversion.refusal = std::move(*refusal);
  if (conversion.refusal)
    return conversion;
  if (auto finished = out->finish(files, layout); !finished)
    return finished.error();
  conversion.converted = true;
  conversion.read_size = out->size();
  return conversion;
}

}  // namespace

std::unique_ptr<Converter> make_converter(Format format, EmitRecord emit) {
  switch (format) {
    case Format::json:
      return make_json_converter(std::move(emit));
    case Format::csv:
      return make_csv_converter(std::move(emit));
    case Format::ndjson:
      break;
  }
  return make_line_converter(std::move(emit));
}

Result<std::optional<Refusal>> stream_records(ReadFile& file, std::uint64_t size, FileFormat format,
                                              const ConvertLimits& limits, const EmitRecord& emit) {
  std::uint64_t made = 0;
  const auto counted = [&](std::string_view line, const Origin& origin) {
    made += line.size() + 1 + (format.format == Format::ndjson ? 0 : kOriginBytes);
    return emit(line, origin);
  };
  const auto converter = make_converter(format.format, counted);
  return Pouring{file, size, format, limits, *converter, [&made] { return made; }}.run();
}

Result<Conversion> convert_file(Files& files, const SpoolLayout& layout, const SpoolFile& file,
                                const ConvertLimits& limits, const std::atomic<bool>* stop) {
  const auto format = format_of(file.original);
  if (!format)
    return Error{Errc::invalid, "this format cannot be read"};
  if (format->format == Format::ndjson && format->compression == Compression::none) {
    Conversion as_it_is;
    as_it_is.read_size = file.size;
    return as_it_is;
  }
  auto conversion = convert_into(files, layout, file, *format, limits, stop);
  if (!conversion || conversion->refusal)
    ConvertedRecords::remove(files, layout, file.number);
  return conversion;
}

}  // namespace usherd
