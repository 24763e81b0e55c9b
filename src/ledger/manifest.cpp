#include "usherd/ledger/manifest.hpp"

#include "src/ledger/manifest_format.hpp"
#include "src/ledger/varint.hpp"
#include "usherd/ledger/manifest_reader.hpp"

namespace usherd {
namespace {

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
  out += kManifestVersion;
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
  auto reader = ManifestReader::open(bytes);
  if (!reader)
    return reader.error();
  Manifest manifest;
  manifest.runs.resize(reader->runs_left());
  for (auto& run : manifest.runs) {
    if (auto read = reader->read(run); !read)
      return read.error();
  }
  while (reader->literals_left() > 0) {
    if (auto read = reader->read(manifest.literals.emplace_back()); !read)
      return read.error();
  }
  if (!reader->is_at_end())
    return damaged_manifest();
  return manifest;
}

}  // namespace usherd
