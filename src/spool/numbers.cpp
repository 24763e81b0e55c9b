#include "usherd/spool/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace usherd {
namespace {

constexpr std::string_view kPrefix = ".numbers-";

/// Takes a number and the `-` behind it, if one is wanted, off the text.
bool take_number(std::string_view& text, std::uint64_t& number, bool last) {
  const auto* const stop = text.data() + text.size();
  const auto [end, failure] = std::from_chars(text.data(), stop, number);
  if (failure != std::errc{} || (last ? end != stop : end == stop || *end != '-'))
    return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + (last ? 0 : 1));
  return true;
}

std::string path_of(const SpoolLayout& layout, const Numbers& numbers) {
  return layout.root() + "/" + numbers_name(numbers);
}

Result<void> make(Files& files, const SpoolLayout& layout, const Numbers& numbers) {
  const auto made = files.write(path_of(layout, numbers), WriteMode::create);
  return made || made.error().code == Errc::exists ? Result<void>{} : made.error();
}

Result<std::vector<Numbers>> list_numbers(Files& files, const SpoolLayout& layout) {
  std::vector<Numbers> found;
  const auto listed = files.list(layout.root(), [&found](std::string_view name) {
    if (const auto numbers = parse_numbers_name(name))
      found.push_back(*numbers);
    return true;
  });
  if (!listed)
    return listed.error();
  return found;
}

}  // namespace

Numbers highest(const Numbers& left, const Numbers& right) {
  return {std::max(left.claimed, right.claimed), std::max(left.known, right.known),
          std::max(left.batches, right.batches)};
}

std::string numbers_name(const Numbers& numbers) {
  return fmt::format("{}{}-{}-{}", kPrefix, numbers.claimed, numbers.known, numbers.batches);
}

std::optional<Numbers> parse_numbers_name(std::string_view name) {
  if (!name.starts_with(kPrefix))
    return std::nullopt;
  name.remove_prefix(kPrefix.size());
  Numbers numbers;
  if (!take_number(name, numbers.claimed, false) || !take_number(name, numbers.known, false) ||
      !take_number(name, numbers.batches, true))
    return std::nullopt;
  return numbers;
}

Result<Numbers> read_numbers(Files& files, const SpoolLayout& layout) {
  const auto found = list_numbers(files, layout);
  if (!found)
    return found.error().within("look for the numbers that the spool remembers");
  Numbers most;
  for (const auto& numbers : *found)
    most = highest(most, numbers);
  most.claimed = std::max(most.claimed, most.known);
  return most;
}

Result<void> move_numbers(Files& files, const SpoolLayout& layout, const Numbers& from, const Numbers& to) {
  if (from == to)
    return {};
  const auto moved = files.rename(path_of(layout, from), path_of(layout, to));
  if (moved)
    return {};
  if (moved.error().code == Errc::exists)
    return files.remove(path_of(layout, from));
  return moved.error().code == Errc::not_found ? make(files, layout, to) : moved;
}

Result<void> replace_numbers(Files& files, const SpoolLayout& layout, const Numbers& to) {
  auto found = list_numbers(files, layout);
  if (!found)
    return found.error();
  const bool stands = std::erase(*found, to) != 0;
  if (!stands && found->empty())
    return make(files, layout, to);
  if (!stands) {
    if (auto moved = move_numbers(files, layout, found->back(), to); !moved)
      return moved;
    found->pop_back();
  }
  for (const auto& numbers : *found) {
    if (auto removed = files.remove(path_of(layout, numbers)); !removed)
      return removed;
  }
  return {};
}

Result<Numbers> numbers_of(Ledger& ledger) {
  const auto file = ledger.last_file_number();
  if (!file)
    return file.error();
  const auto batch = ledger.last_batch_id();
  if (!batch)
    return batch.error();
  return Numbers{*file, *file, *batch};
}

std::string tell_older(const Numbers& ledger, const Numbers& spool) {
  return fmt::format(
      "the state knows files up to number {} and batches up to {}, and this spool's state had come to file "
      "{} "
      "and batch {}: it is a copy from before, and does not know what was accepted and sent since",
      ledger.known, ledger.batches, spool.known, spool.batches);
}

Result<void> go_on_above(Files& files, const SpoolLayout& layout, Ledger& ledger) {
  const auto spool = read_numbers(files, layout);
  if (!spool)
    return spool.error();
  const auto told = ledger.transaction([&]() -> Result<void> {
    auto lost = ledger.history_lost(spool->claimed);
    return lost ? ledger.batches_given(spool->batches) : lost;
  });
  if (!told)
    return told.error();
  // The ledger's own last number stays: what stands in working/ above it is adopted.
  auto now = numbers_of(ledger);
  if (!now)
    return now.error();
  now->claimed = std::max(now->claimed, spool->claimed);
  if (auto replaced = replace_numbers(files, layout, *now); !replaced)
    return replaced;
  return files.sync(layout.root());
}

}  // namespace usherd
