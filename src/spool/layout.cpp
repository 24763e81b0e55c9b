#include "usherd/spool/layout.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <limits>

namespace usherd {
namespace {

constexpr std::size_t kDigits = 12;
/// What the ledger can hold.
constexpr auto kMostNumber = static_cast<FileNumber>(std::numeric_limits<std::int64_t>::max());

}  // namespace

std::string SpoolLayout::working_name(FileNumber number, std::string_view name) {
  return fmt::format("{:012}.{}", number, name);
}

std::pair<FileNumber, std::string_view> SpoolLayout::parse_working_name(std::string_view working_name) {
  FileNumber number = 0;
  const auto dot = working_name.find('.');
  if (dot == std::string_view::npos || dot < kDigits || dot + 1 == working_name.size())
    return {0, {}};
  const auto [end, failure] = std::from_chars(working_name.data(), working_name.data() + dot, number);
  if (failure != std::errc{} || end != working_name.data() + dot || number > kMostNumber)
    return {0, {}};
  return {number, working_name.substr(dot + 1)};
}

// Derived names start with a letter, so that they never look like an accepted file's.
SpoolLayout::Derived SpoolLayout::parse_derived_name(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || dot < 2 || (name.front() != 'f' && name.front() != 'b'))
    return {};
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(name.data() + 1, name.data() + dot, number);
  if (failure != std::errc{} || end != name.data() + dot || number == 0)
    return {};
  return {name.front(), number, name.substr(dot + 1)};
}

std::string SpoolLayout::records(FileNumber number) const {
  return fmt::format("{}/f{:012}.records", working(), number);
}

std::string SpoolLayout::origins(FileNumber number) const {
  return fmt::format("{}/f{:012}.origins", working(), number);
}

std::string SpoolLayout::readable(const SpoolFile& file) const {
  return file.converted ? records(file.number) : working_file(file);
}

std::string SpoolLayout::local_rejects(FileNumber number) const {
  return fmt::format("{}/f{:012}.local", working(), number);
}

std::string SpoolLayout::batch_rejects(FileNumber number, BatchId batch) const {
  return fmt::format("{}/f{:012}.b{:012}.rejects", working(), number, batch);
}

std::string SpoolLayout::merged(BatchId batch) const {
  return fmt::format("{}/b{:012}.merged", working(), batch);
}

}  // namespace usherd
