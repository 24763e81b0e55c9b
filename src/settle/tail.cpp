#include "src/settle/end_paths.hpp"
#include "src/settle/moves.hpp"
#include "usherd/core/text.hpp"
#include "usherd/core/units.hpp"
#include "usherd/settle/settlement.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/spool/free_names.hpp"
#include "usherd/submit/api_json.hpp"

#include <fmt/format.h>

#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kPiece = 64 << 10;
constexpr std::uint64_t kMostNumber = 100;

/// Copies what stands behind `offset`, up to the end that the file has when it is reached.
Result<void> copy_from(ReadFile& in, std::uint64_t offset, WriteFile& out) {
  std::array<char, kPiece> piece{};
  while (true) {
    const auto got = in.read_at(piece, offset);
    if (!got)
      return got.error();
    if (*got == 0)
      return out.sync();
    if (auto written = out.append({piece.data(), *got}); !written)
      return written;
    offset += *got;
  }
}

/// The name that a receipt gives its tail. It stands before the batches: the start of it is enough.
Result<std::optional<std::string>> read_told(Files& files, const std::string& receipt) {
  constexpr std::size_t kStart = 16 << 10;
  constexpr std::size_t kMostDepth = 4;
  const auto file = files.open(receipt);
  if (!file)
    return file.error();
  std::string text(kStart, '\0');
  const auto got = (*file)->read_at(text, 0);
  if (!got)
    return got.error();
  text.resize(*got);
  text.resize(std::min(text.size(), text.find(",\"batches\":")));
  const auto document = parse_json(text + "}", kStart + 1, kMostDepth);
  const auto name = find_string(document ? document->if_object() : nullptr, "tail");
  return name ? std::optional(std::string(*name)) : std::nullopt;
}

}  // namespace

std::string tail_name(std::string_view name) {
  const auto format = format_of(name);
  const bool is_csv = format && format->format == Format::csv;
  const auto ending = known_ending(name);
  const auto stem = name.substr(0, name.size() - ending.size());
  auto cut = stem.substr(0, kMostNameBytes - kTail.size() - ending.size());
  while (!cut.empty() && cut.size() < stem.size() && !is_utf8(cut))
    cut.remove_suffix(1);
  return std::string(cut).append(is_csv ? ending : kTail).append(is_csv ? kTail : ending);
}

Result<void> Settlement::find_tail(Ending& ending) const {
  const auto& file = ending.file;
  if (file.state == FileState::refused)
    return {};
  const auto told = is_there(files_, EndPaths(layout_, file.name).receipt());
  if (!told)
    return told.error();
  const auto copy = unfinished(layout_, file.number, "tail");
  if (*told) {
    const auto waits = is_there(files_, copy);
    if (!waits)
      return waits.error();
    if (!*waits)
      return {};
    auto name = read_told(files_, EndPaths(layout_, file.name).receipt());
    if (!name)
      return name.error();
    ending.tail = name->value_or(tail_name(file.name));
    ending.tail_told = true;
    return {};
  }
  const auto stat = files_.stat(layout_.working_file(file));
  if (!stat && stat.error().code != Errc::not_found)
    return stat.error();
  // It would be moved to done/ as if it were what had been delivered.
  if (stat && stat->kind != FileKind::regular)
    return Error{Errc::corrupt,
                 fmt::format("{} is not a regular file", printable(layout_.working_file(file), 400))};
  if (!stat || stat->size <= file.size)
    return files_.remove(copy);
  const auto room = free_space_ ? free_space_() : stat->size;
  if (room && *room < stat->size - file.size)
    return Error{Errc::no_space, fmt::format("{} were appended to it since it was accepted, and {} are free",
                                             format_size(stat->size - file.size), format_size(*room))};
  auto copied = copy_tail(file, copy);
  if (copied)
    ending.tail = tail_name(file.name);
  else
    // Half of it would hold the room that all else needs.
    static_cast<void>(files_.remove(copy));
  return copied;
}

Result<void> Settlement::copy_tail(const SpoolFile& file, const std::string& copy) const {
  const auto in = files_.open(layout_.working_file(file));
  if (!in)
    return in.error();
  const auto out = files_.write(copy, WriteMode::truncate);
  if (!out)
    return out.error();
  return copy_from(**in, file.size, **out);
}

Result<void> Settlement::name_tails(Ledger& ledger, std::span<Ending> group) const {
  std::vector<std::string> wanted;
  for (const auto& ending : group) {
    if (!ending.tail.empty() && !ending.tail_told)
      wanted.push_back(tail_name(ending.file.name));
  }
  if (wanted.empty())
    return {};
  auto names = free_names(files_, layout_, ledger, wanted);
  if (!names)
    return names.error();
  auto name = names->begin();
  for (auto& ending : group) {
    if (!ending.tail.empty() && !ending.tail_told)
      ending.tail = std::move(*name++);
  }
  return {};
}

Result<void> Settlement::drop_tail(const Ending& ending) const {
  if (ending.tail.empty())
    return {};
  const auto copy = unfinished(layout_, ending.file.number, "tail");
  // A copy that is gone was dropped before a crash, and perhaps taken since.
  const auto waits = is_there(files_, copy);
  if (!waits)
    return waits.error();
  if (!*waits)
    return {};
  // The name was free when the receipt was written; who took it since is not overwritten.
  auto dropped = files_.rename(copy, layout_.incoming() + "/" + ending.tail);
  for (std::uint64_t number = 2; !dropped && dropped.error().code == Errc::exists && number < kMostNumber;
       ++number)
    dropped = files_.rename(copy, layout_.incoming() + "/" + numbered_name(ending.tail, number));
  return dropped;
}

}  // namespace usherd
