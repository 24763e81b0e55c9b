#include "src/spool/free_name.hpp"

#include "usherd/spool/file_name.hpp"
#include "usherd/spool/free_names.hpp"

#include <fmt/format.h>

namespace usherd {
namespace {

constexpr std::uint64_t kMostNumber = std::uint64_t{1} << 40;

}  // namespace

Result<bool> FreeNames::exists(const std::string& path) {
  const auto stat = files_.stat(path);
  if (stat)
    return true;
  if (stat.error().code == Errc::not_found)
    return false;
  return stat.error();
}

Result<bool> FreeNames::is_free(const std::string& name, std::string_view dropped) {
  if (given_.contains(name))
    return false;
  const auto known = ledger_.name_taken(name);
  if (!known)
    return known.error();
  if (*known)
    return false;
  const auto done = layout_.done() + "/" + name;
  const auto rejected = layout_.rejected() + "/" + name;
  for (const auto& path : {done, done + ".receipt.json", rejected, rejected + ".rejects.ndjson",
                           rejected + ".error.json", layout_.incoming() + "/" + name}) {
    if (name == dropped && path == layout_.incoming() + "/" + name)
      continue;
    const auto there = exists(path);
    if (!there)
      return there.error();
    if (*there)
      return false;
  }
  return true;
}

Result<std::string> FreeNames::claim(const std::string& wanted, std::string_view dropped) {
  // Doubling, then halving back: a name dropped every minute for a week has thousands of numbers taken.
  std::uint64_t taken = 0;
  std::uint64_t free = 1;
  const auto name_of = [&](std::uint64_t number) {
    return number == 1 ? wanted : numbered_name(wanted, number);
  };
  while (true) {
    const auto answer = is_free(name_of(free), dropped);
    if (!answer)
      return answer.error();
    if (*answer)
      break;
    if (free > kMostNumber)
      return Error{Errc::exists, fmt::format("no name is free for {}", wanted)};
    taken = free;
    free *= 2;
  }
  while (free - taken > 1) {
    const auto middle = taken + (free - taken) / 2;
    const auto answer = is_free(name_of(middle), dropped);
    if (!answer)
      return answer.error();
    (*answer ? free : taken) = middle;
  }
  auto name = name_of(free);
  given_.insert(name);
  return name;
}

Result<std::vector<std::string>> free_names(Files& files, const SpoolLayout& layout, Ledger& ledger,
                                            std::span<const std::string> wanted) {
  FreeNames names(files, layout, ledger);
  std::vector<std::string> found;
  for (const auto& name : wanted) {
    auto free = names.claim(name, {});
    if (!free)
      return free.error().within("find a free name");
    found.push_back(std::move(*free));
  }
  return found;
}

}  // namespace usherd
