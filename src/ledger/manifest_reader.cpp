#include "usherd/ledger/manifest_reader.hpp"

#include "src/ledger/manifest_format.hpp"
#include "src/ledger/varint.hpp"

#include <limits>
#include <optional>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kShortestRun = 5;
constexpr std::size_t kShortestLiteral = 3;

bool read_run(VarintReader& in, Run& run, Run& last) {
  const auto file = in.next_from(last.file);
  if (!file)
    return false;
  const bool same = *file == last.file;
  const auto offset = in.next_from(same ? last.offset + last.length : 0);
  const auto length = in.next();
  const auto line = in.next_from(same ? last.line + last.records : 0);
  const auto records = in.next();
  if (!offset || !length || !line || !records)
    return false;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool fits = *file <= kMost && *offset <= kMost && *length <= kMost - *offset && *line <= kMost &&
                    *records <= std::numeric_limits<std::uint32_t>::max() && *records <= kMost - *line;
  if (!fits)
    return false;
  run = {*file, *offset, *length, *line, static_cast<std::uint32_t>(*records)};
  last = run;
  return true;
}

/// A number of things to come, none of which is shorter than `shortest`: no count asks for more memory than
/// the bytes could fill.
std::optional<std::size_t> read_count(VarintReader& in, std::size_t shortest) {
  const auto count = in.next();
  if (!count || *count > in.rest().size() / shortest)
    return std::nullopt;
  return static_cast<std::size_t>(*count);
}

}  // namespace

Error damaged_manifest() {
  return {Errc::corrupt, "a manifest in the ledger is damaged"};
}

Result<ManifestReader> ManifestReader::open(std::string_view encoded) {
  if (encoded.empty())
    return damaged_manifest();
  if (encoded.front() != kManifestVersion)
    return Error{Errc::corrupt, "a manifest in the ledger has a format that this usherd does not know"};
  VarintReader in(encoded.substr(1));
  const auto runs = read_count(in, kShortestRun);
  if (!runs)
    return damaged_manifest();
  ManifestReader reader(in.rest());
  reader.runs_left_ = *runs;
  if (*runs == 0 && !reader.count_literals())
    return damaged_manifest();
  return reader;
}

bool ManifestReader::count_literals() {
  VarintReader in(rest_);
  const auto count = read_count(in, kShortestLiteral);
  literals_left_ = count.value_or(0);
  rest_ = in.rest();
  last_ = Run{};
  return count.has_value();
}

Result<void> ManifestReader::read(Run& run) {
  VarintReader in(rest_);
  if (!read_run(in, run, last_))
    return damaged_manifest();
  rest_ = in.rest();
  if (--runs_left_ == 0 && !count_literals())
    return damaged_manifest();
  return {};
}

Result<void> ManifestReader::read(Literal& literal) {
  VarintReader in(rest_);
  const auto offset = in.next_from(literals_end_);
  const auto length = in.next();
  if (!offset || !length || *length > std::numeric_limits<std::uint64_t>::max() - *offset)
    return damaged_manifest();
  const auto sources = read_count(in, kShortestRun);
  if (!sources)
    return damaged_manifest();
  literal.offset = *offset;
  literal.length = *length;
  literal.sources.resize(*sources);
  for (auto& source : literal.sources) {
    if (!read_run(in, source, last_))
      return damaged_manifest();
  }
  rest_ = in.rest();
  literals_end_ = *offset + *length;
  --literals_left_;
  return {};
}

}  // namespace usherd
