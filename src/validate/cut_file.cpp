#include "usherd/validate/cut_file.hpp"

#include "usherd/spool/bad_row.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace usherd {
namespace {

/// Hands a last line back that has no newline and was refused.
void give_back_half_line(std::uint64_t size, CheckedBlock& out) {
  if (out.rejections.empty())
    return;
  const auto& last = out.rejections.back();
  if (last.offset + last.length != size)
    return;
  out.next_offset = last.offset;
  out.next_line = last.line;
  if (!out.blocks.empty())
    out.blocks.back().end = std::min(out.blocks.back().end, out.next_offset);
  out.rejections.pop_back();
  --out.lines;
}

}  // namespace

Result<void> read_cut_file(BlockReader& reader, ReadFile& file, std::uint64_t offset, std::uint64_t line,
                           std::uint64_t limit, CheckedBlock& out) {
  const auto size = file.size();
  if (!size)
    return size.error();
  out = CheckedBlock{};
  out.next_offset = offset;
  out.next_line = line;
  if (*size > offset) {
    if (auto read = reader.read(file, offset, line, std::min(*size, limit), out); !read)
      return read;
    if (*size < limit)
      give_back_half_line(*size, out);
    out.end = out.next_offset == limit;
  }
  // Else it is read on from there.
  if (out.next_offset > offset)
    return {};
  out.rejections.push_back(
      {offset, line, 0, std::string(kLostRest),
       fmt::format("{} bytes from here on are gone: the file was made shorter after it was accepted",
                   limit - offset),
       true});
  out.lines = 1;
  out.next_offset = limit;
  out.next_line = line + 1;
  out.end = true;
  return {};
}

}  // namespace usherd
