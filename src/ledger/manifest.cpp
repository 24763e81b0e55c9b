#include "usherd/ledger/manifest.hpp"

#include "src/ledger/varint.hpp"

#include <limits>
#include <utility>

namespace usherd {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kShortestRun = 5;
constexpr std::size_t kShortestLiteral = 3;

// Neighbours in a manifest are mostly neighbours in their file: then the differences to where the last one
// ended are zero or tiny.
void append_run(std::string& out, const Run& run, Run& last) {
  const bool same = run.file == last.file;
  append_difference(out, run.file, last.file);
  append_difference(out, run.offset, same ? last.offset + last.length : 0);
  append_varint(out, run.length);
  append_difference(out, run.line, same ? last.line + last.records : 0);
  append_varint(out, run.records);
  last = run;
}

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
  if (!count || *count > in.left() / shortest)
    return std::nullopt;
  return static_cast<std::size_t>(*count);
}

bool read_runs(VarintReader& in, std::vector<Run>& runs, Run& last) {
  const auto count = read_count(in, kShortestRun);
  if (!count)
    return false;
  runs.resize(*count);
  for (auto& run : runs) {
    if (!read_run(in, run, last))
      return false;
  }
  return true;
}

bool read_literals(VarintReader& in, std::vector<Literal>& literals) {
  const auto count = read_count(in, kShortestLiteral);
  if (!count)
    return false;
  std::uint64_t end = 0;
  Run last;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto offset = in.next_from(end);
    const auto length = in.next();
    if (!offset || !length || *length > std::numeric_limits<std::uint64_t>::max() - *offset)
      return false;
    Literal literal{*offset, *length, {}};
    if (!read_runs(in, literal.sources, last))
      return false;
    end = *offset + *length;
    literals.push_back(std::move(literal));
  }
  return true;
}

Error damaged() {
  return {Errc::corrupt, "a manifest in the ledger is damaged"};
}

}  // namespace

std::uint64_t Manifest::operations() const {
  std::uint64_t sum = literals.size();
  for (const auto& run : runs)
    sum += run.records;
  return sum;
}

std::uint64_t Manifest::records() const {
  std::uint64_t sum = 0;
  for (const auto& run : runs)
    sum += run.records;
  for (const auto& literal : literals) {
    for (const auto& source : literal.sources)
      sum += source.records;
  }
  return sum;
}

std::string Manifest::encode() const {
  std::string out;
  out.reserve(16 + runs.size() * 8 + literals.size() * 24);
  out += kVersion;
  append_varint(out, runs.size());
  Run last;
  for (const auto& run : runs)
    append_run(out, run, last);
  append_varint(out, literals.size());
  std::uint64_t end = 0;
  Run last_source;
  for (const auto& literal : literals) {
    append_difference(out, literal.offset, end);
    append_varint(out, literal.length);
    append_varint(out, literal.sources.size());
    for (const auto& source : literal.sources)
      append_run(out, source, last_source);
    end = literal.offset + literal.length;
  }
  return out;
}

Result<Manifest> Manifest::decode(std::string_view bytes) {
  if (bytes.empty())
    return damaged();
  if (bytes.front() != kVersion)
    return Error{Errc::corrupt, "a manifest in the ledger has a format that this usherd does not know"};
  VarintReader in(bytes.substr(1));
  Manifest manifest;
  Run last;
  if (!read_runs(in, manifest.runs, last) || !read_literals(in, manifest.literals) || in.left() != 0)
    return damaged();
  return manifest;
}

}  // namespace usherd
