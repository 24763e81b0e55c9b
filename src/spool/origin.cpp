#include "usherd/spool/origin.hpp"

#include "usherd/spool/file_name.hpp"

#include <boost/endian/conversion.hpp>

#include <fmt/format.h>

#include <array>
#include <cassert>

namespace usherd {
namespace endian = boost::endian;

void append_origin(std::string& out, const Origin& origin) {
  std::array<unsigned char, kOriginBytes> bytes{};
  endian::store_little_u64(bytes.data(), origin.offset);
  endian::store_little_u64(bytes.data() + 8, origin.line);
  endian::store_little_u64(bytes.data() + 16, origin.length);
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Origin decode_origin(std::string_view bytes) {
  assert(bytes.size() >= kOriginBytes);
  const auto* const numbers = reinterpret_cast<const unsigned char*>(bytes.data());
  Origin origin;
  origin.offset = endian::load_little_u64(numbers);
  origin.line = endian::load_little_u64(numbers + 8);
  origin.length = endian::load_little_u64(numbers + 16);
  return origin;
}

Result<Origins> Origins::open(Files& files, const SpoolLayout& layout, FileNumber number) {
  auto file = files.open(layout.origins(number));
  if (!file)
    return file.error();
  return Origins(std::move(*file));
}

Result<Origin> Origins::of(std::uint64_t line) const {
  std::array<char, kOriginBytes> bytes{};
  if (line == 0)
    return Error{Errc::corrupt, "lines count from 1"};
  const auto length = file_->read_at(bytes, (line - 1) * kOriginBytes);
  if (!length)
    return length.error();
  if (*length != kOriginBytes)
    return Error{Errc::corrupt, fmt::format("converted line {} has no origin", line)};
  return decode_origin(std::string_view(bytes.data(), bytes.size()));
}

Result<Origin> origin_of(Files& files, const SpoolLayout& layout, const SpoolFile& file, std::uint64_t line,
                         std::uint64_t offset) {
  Origin own;
  own.offset = offset;
  own.line = line;
  const auto format = format_of(file.original);
  if (!file.converted || (format && format->format == Format::ndjson))
    return own;
  const auto origins = Origins::open(files, layout, file.number);
  auto origin = origins ? origins->of(line) : Result<Origin>(origins.error());
  const bool lost = !origin && is_gone(origin.error());
  return lost ? Result<Origin>(own) : origin;
}

}  // namespace usherd
