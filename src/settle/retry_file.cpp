#include "src/settle/retry_file.hpp"

#include "src/settle/moves.hpp"
#include "usherd/core/text.hpp"
#include "usherd/settle/cut_retries.hpp"
#include "usherd/spool/drop.hpp"
#include "usherd/spool/file_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace usherd {

Result<std::string> RetryFile::free_name(const std::string& name) {
  auto free = name;
  for (std::uint64_t number = 2;; ++number) {
    const auto taken = ledger_.file_named(free);
    if (!taken)
      return taken.error();
    const auto stands = is_there(files_, layout_.incoming() + "/" + free);
    if (!stands)
      return stands.error();
    if (!*taken && !*stands)
      return free;
    free = numbered_name(name, number);
  }
}

Result<std::string> RetryFile::drop(const std::string& name, const Check& may_go) {
  auto free = free_name(name);
  if (!free)
    return free;
  const auto shown = show(*free, may_go);
  // Whatever came of it is ended as after a crash, which so has no way of its own.
  const auto ended = CutRetries(files_, layout_).finish();
  if (!shown)
    return ended ? shown.error() : ended.error();
  if (!ended)
    return ended.error().within(
        fmt::format("{} was dropped; its old lines are marked by usherd's next start or the next `usherd "
                    "rejects retry`, and until then not exported",
                    printable(*free)));
  return free;
}

Result<void> RetryFile::show(const std::string& name, const Check& may_go) {
  RetryNote note;
  note.retried_as = name;
  const auto hidden = stage(note);
  if (!hidden)
    return hidden.error();
  // Its entry must be durable before the note: a note whose file is gone says that this was sent.
  if (auto synced = files_.sync(layout_.incoming()); !synced)
    return synced;
  if (auto written = write_down(*hidden, note); !written)
    return written;
  if (auto may = may_go(); !may)
    return may;
  auto renamed = files_.rename(RetryPaths(layout_).hidden(*hidden), layout_.incoming() + "/" + name);
  if (!renamed && renamed.error().code == Errc::exists)
    return Error{Errc::unavailable,
                 fmt::format("{} was dropped meanwhile by somebody else: try again", printable(name))};
  return renamed;
}

Result<std::string> RetryFile::stage(RetryNote& note) {
  const auto& chosen = choice_.chosen();
  std::size_t next = 0;
  std::string line;
  std::size_t given = 0;
  const DropSource source = [&](std::span<char> into) -> Result<std::size_t> {
    if (given == line.size()) {
      if (next == chosen.size())
        return std::size_t{0};
      const auto& candidate = chosen[next++];
      auto reject = rejects_.at(choice_.name(candidate), candidate.at, candidate.length);
      if (!reject)
        return reject.error();
      note.lines[choice_.name(candidate)].push_back({reject->line, reject->offset, next});
      line = std::move(reject->record);
      line += '\n';
      given = 0;
    }
    const auto count = std::min(into.size(), line.size() - given);
    std::copy_n(line.data() + given, count, into.data());
    given += count;
    return count;
  };
  return stage_drop(files_, layout_, note.retried_as, RetryPaths::kBeginning, source);
}

Result<void> RetryFile::write_down(const std::string& hidden, const RetryNote& note) {
  const RetryPaths paths(layout_);
  const auto draft = files_.write(paths.draft(hidden), WriteMode::create);
  if (!draft)
    return draft.error();
  auto written = (*draft)->append(note.encode());
  if (written)
    written = (*draft)->sync();
  if (written)
    written = files_.rename(paths.draft(hidden), paths.note(hidden));
  return written ? files_.sync(layout_.rejected()) : written;
}

}  // namespace usherd
