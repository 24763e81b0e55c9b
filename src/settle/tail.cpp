#include "src/settle/end_paths.hpp"
#include "src/settle/moves.hpp"
#include "usherd/core/text.hpp"
#include "usherd/core/units.hpp"
#include "usherd/settle/receipt.hpp"
#include "usherd/settle/settlement.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/spool/free_names.hpp"
#include "usherd/submit/api_json.hpp"

#include <fmt/format.h>

#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kPiece = 64 << 10;
constexpr std::uint64_t kMostNumber = 100;

/// Copies what stands behind `offset`, up to the end that the file has when it is reached; where that is.
Result<std::uint64_t> copy_from(ReadFile& in, std::uint64_t offset, WriteFile& out) {
  std::array<char, kPiece> piece{};
  while (true) {
    const auto got = in.read_at(piece, offset);
    if (!got)
      return got.error();
    if (*got == 0)
      break;
    if (auto written = out.append({piece.data(), *got}); !written)
      return written.error();
    offset += *got;
  }
  if (auto synced = out.sync(); !synced)
    return synced.error();
  return offset;
}

/// What a receipt that stands says of its file's tail.
struct Told {
  bool ours = false;                ///< it is the receipt of that file
  std::optional<std::string> name;  ///< of the tail
};

/// It stands before the batches: the start of it is enough.
Result<Told> read_told(Files& files, const std::string& receipt, const SpoolFile& of) {
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
  const bool ours = text.starts_with(start_of_word(of));
  text.resize(std::min(text.size(), text.find(",\"batches\":")));
  const auto document = parse_json(text + "}", kStart + 1, kMostDepth);
  const auto name = find_string(document ? document->if_object() : nullptr, "tail");
  return Told{ours, name ? std::optional(std::string(*name)) : std::nullopt};
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
  const auto receipt = EndPaths(layout_, file.name).receipt();
  const auto stands = is_there(files_, receipt);
  if (!stands)
    return stands.error();
  const auto copy = unfinished(layout_, file.number, "tail");
  const auto stat = files_.stat(layout_.working_file(file));
  if (!stat && stat.error().code != Errc::not_found)
    return stat.error();
  if (*stands) {
    auto told = read_told(files_, receipt, file);
    if (!told)
      return told.error();
    const auto waits = is_there(files_, copy);
    if (!waits)
      return waits.error();
    ending.tail_told = *waits;
    if (*waits)
      ending.tail = told->name.value_or(tail_name(file.name));
    else if (told->name)
      // Dropped, and nobody knows how long it was.
      ending.taken = std::numeric_limits<std::uint64_t>::max();
    // A tail is dropped when its file has left: none of it was.
    const bool grew = !*waits && !told->name && told->ours && stat && stat->size > file.size;
    if (!grew)
      return {};
    if (auto taken_back = files_.remove(receipt); !taken_back)
      return taken_back;
  }
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
  const auto end = copy_from(**in, file.size, **out);
  return end ? Result<void>{} : end.error();
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

Result<void> Settlement::must_not_have_grown(const Ending& ending) const {
  const auto stat = files_.stat(layout_.working_file(ending.file));
  if (!stat)
    return stat.error().code == Errc::not_found ? Result<void>{} : stat.error();
  return stat->size <= ending.file.size ? Result<void>{} : Error{Errc::cancelled, "it grew meanwhile"};
}

Result<void> Settlement::extend_tail(Ending& ending, const std::string& copy) const {
  const auto copied = files_.stat(copy);
  if (!copied)
    return copied.error();
  ending.taken = ending.file.size + copied->size;
  const auto done = EndPaths(layout_, ending.file.name).done();
  const auto stat = files_.stat(done);
  if (!stat)
    return stat.error().code == Errc::not_found ? Result<void>{} : stat.error();
  if (stat->size <= ending.taken)
    return {};
  const auto in = files_.open(done);
  if (!in)
    return in.error();
  const auto out = files_.write(copy, WriteMode::extend, copied->size);
  if (!out)
    return out.error();
  const auto end = copy_from(**in, ending.taken, **out);
  if (!end)
    return end.error();
  ending.taken = *end;
  return {};
}

Result<void> Settlement::drop_tail(Ending& ending) const {
  if (ending.tail.empty())
    return {};
  const auto copy = unfinished(layout_, ending.file.number, "tail");
  // A copy that is gone was dropped before a crash, and perhaps taken since.
  const auto waits = is_there(files_, copy);
  if (!waits)
    return waits.error();
  if (!*waits)
    return {};
  if (auto extended = extend_tail(ending, copy); !extended)
    return extended;
  // The name was free when the receipt was written; who took it since is not overwritten.
  auto dropped = files_.rename(copy, layout_.incoming() + "/" + ending.tail);
  for (std::uint64_t number = 2; !dropped && dropped.error().code == Errc::exists && number < kMostNumber;
       ++number)
    dropped = files_.rename(copy, layout_.incoming() + "/" + numbered_name(ending.tail, number));
  return dropped;
}

Result<std::uint64_t> Settlement::left_behind(const Ending& ending) const {
  if (ending.file.state == FileState::refused)
    return std::uint64_t{0};
  const auto stat = files_.stat(EndPaths(layout_, ending.file.name).done());
  if (!stat)
    return stat.error();
  return stat->size > ending.taken ? stat->size - ending.taken : 0;
}

}  // namespace usherd
