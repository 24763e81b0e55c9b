#include "usherd/core/random.hpp"
#include "usherd/spool/folders.hpp"
#include "usherd/spool/numbers.hpp"

#include <fmt/format.h>

#include <array>

namespace usherd {
namespace {

constexpr std::string_view kFact = "spool_id";

std::string id_path(const SpoolLayout& layout) {
  return layout.root() + "/.usherd-spool";
}

Error strangers(const SpoolLayout& layout, std::string_view why) {
  return {Errc::corrupt,
          fmt::format("the spool {} and the state do not belong together: {}. Put back the right one of "
                      "the two, or look at both with `usherd doctor`",
                      layout.root(), why)};
}

Result<std::string> read_id(Files& files, const SpoolLayout& layout) {
  const auto file = files.open(id_path(layout));
  if (!file && file.error().code == Errc::not_found)
    return std::string{};
  if (!file)
    return file.error();
  std::array<char, 64> text{};
  const auto length = (*file)->read_at(text, 0);
  if (!length)
    return length.error();
  std::string_view id(text.data(), *length);
  return std::string(id.substr(0, id.find('\n')));
}

Result<void> write_id(Files& files, const SpoolLayout& layout, const std::string& id) {
  const auto file = files.write(id_path(layout), WriteMode::truncate);
  if (!file)
    return file.error();
  const auto written = (*file)->append(id + "\n");
  if (!written)
    return written.error();
  const auto synced = (*file)->sync();
  if (!synced)
    return synced.error();
  return files.sync(layout.root());
}

Result<bool> holds_accepted_files(Files& files, const SpoolLayout& layout) {
  bool holds = false;
  const auto visit = [&](std::string_view name) {
    holds = SpoolLayout::parse_working_name(name).first != 0;
    return !holds;
  };
  const auto listed = files.list(layout.working(), visit);
  if (!listed)
    return listed.error();
  return holds;
}

/// The pair of an id may still be a copy from before.
Result<void> match_numbers(Files& files, const SpoolLayout& layout, Ledger& ledger) {
  const auto remembered = read_numbers(files, layout);
  if (!remembered)
    return remembered.error();
  const auto known = numbers_of(ledger);
  if (!known)
    return known.error();
  if (is_older(*known, *remembered))
    return strangers(layout, tell_older(*known, *remembered));
  return {};
}

}  // namespace

Result<std::string> read_spool_id(Files& files, const SpoolLayout& layout) {
  return read_id(files, layout);
}

Result<void> make_pair(Files& files, const SpoolLayout& layout, Ledger& ledger) {
  // A new id, whatever either had: the state or the spool that was left behind for this pair must not pass
  // for the right one when it turns up again. The ledger is told first, as by match_spool().
  const auto common = Random::from_system().uuid();
  const auto told = ledger.transaction([&] { return ledger.set_fact(kFact, common); });
  if (!told)
    return told.error();
  return write_id(files, layout, common);
}

Result<void> match_spool(Files& files, const SpoolLayout& layout, Ledger& ledger) {
  const auto known = ledger.fact(kFact);
  if (!known)
    return known.error();
  const auto id = read_id(files, layout);
  if (!id)
    return id.error();
  if (known->has_value() && **known == *id)
    return match_numbers(files, layout, ledger);
  // The ledger is told first, so an id in the spool that the ledger does not know is never our own half-made
  // pair.
  if (!id->empty())
    return strangers(layout,
                     known->has_value() ? "their ids differ" : "the state knows no spool, this one has one");
  const auto last = ledger.last_file_number();
  if (!last)
    return last.error();
  if (*last != 0)
    return strangers(layout, "the state knows files, the spool has no id");
  const auto holds = holds_accepted_files(files, layout);
  if (!holds)
    return holds.error();
  if (*holds)
    return strangers(layout, "the state is new, but working/ holds accepted files");
  const auto fresh = known->has_value() ? **known : Random::from_system().uuid();
  const auto told = ledger.transaction([&] { return ledger.set_fact(kFact, fresh); });
  if (!told)
    return told.error();
  return write_id(files, layout, fresh);
}

}  // namespace usherd
