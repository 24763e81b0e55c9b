#include "src/settle/original_line.hpp"

#include "usherd/spool/file_name.hpp"
#include "usherd/spool/origin.hpp"

namespace usherd {

Result<std::optional<std::uint64_t>> original_line(Files& files, const SpoolLayout& layout,
                                                   const SpoolFile& file, std::uint64_t line) {
  const auto format = format_of(file.name);
  if (!file.converted || (format && format->format == Format::ndjson))
    return std::optional(line);
  if (file.state == FileState::settled)
    return std::optional<std::uint64_t>{};
  const auto origins = Origins::open(files, layout, file.number);
  if (!origins)
    return origins.error().code == Errc::not_found ? Result<std::optional<std::uint64_t>>{std::nullopt}
                                                   : origins.error();
  const auto origin = origins->of(line);
  return origin ? std::optional(origin->line) : std::nullopt;
}

}  // namespace usherd
