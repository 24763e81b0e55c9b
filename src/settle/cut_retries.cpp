#include "usherd/settle/cut_retries.hpp"

#include "src/settle/retry_note.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace usherd {

Result<CutRetries::Names> CutRetries::names(const std::string& folder,
                                            bool (*wanted)(std::string_view)) const {
  Names names;
  const auto listed = files_.list(folder, [&](std::string_view name) {
    if (wanted(name))
      names.emplace_back(name);
    return true;
  });
  // What is not there holds nothing.
  if (!listed && listed.error().code != Errc::not_found)
    return listed.error();
  std::sort(names.begin(), names.end());
  return names;
}

Result<CutRetries::Names> CutRetries::hidden() const {
  auto found = names(layout_.incoming(), RetryPaths::is_name);
  if (!found)
    return found;
  // Whoever may drop may make odd things there; ours are files.
  std::erase_if(*found, [&](const std::string& name) {
    const auto stat = files_.stat(RetryPaths(layout_).hidden(name));
    return !stat || stat->kind != FileKind::regular;
  });
  return found;
}

Result<std::vector<std::string>> CutRetries::find() const {
  std::vector<std::string> found;
  const auto is_ours = [](std::string_view name) {
    return RetryPaths::is_name(name) || RetryPaths::is_draft(name) || RejectStore::is_unfinished(name);
  };
  const auto in_rejected = names(layout_.rejected(), is_ours);
  if (!in_rejected)
    return in_rejected.error();
  const auto in_incoming = hidden();
  if (!in_incoming)
    return in_incoming.error();
  for (const auto& name : *in_incoming)
    found.push_back("incoming/" + name);
  for (const auto& name : *in_rejected)
    found.push_back("rejected/" + name);
  return found;
}

Result<bool> CutRetries::any_noted() const {
  const auto notes = names(layout_.rejected(), RetryPaths::is_name);
  if (!notes)
    return notes.error();
  return !notes->empty();
}

Result<void> CutRetries::finish() const {
  const RetryPaths paths(layout_);
  if (auto finished = rejects_.finish(); !finished)
    return finished;
  const auto notes = names(layout_.rejected(), RetryPaths::is_name);
  if (!notes)
    return notes.error();
  for (const auto& name : *notes) {
    if (auto ended = end(name); !ended)
      return ended;
  }
  // Only now: a file that is gone while its note stands counts as sent.
  const auto unsent = hidden();
  if (!unsent)
    return unsent.error();
  for (const auto& name : *unsent) {
    if (auto removed = files_.remove(paths.hidden(name)); !removed)
      return removed;
  }
  const auto drafts = names(layout_.rejected(), RetryPaths::is_draft);
  if (!drafts)
    return drafts.error();
  for (const auto& name : *drafts) {
    if (auto removed = files_.remove(layout_.rejected() + "/" + name); !removed)
      return removed;
  }
  return {};
}

Result<void> CutRetries::end(const std::string& name) const {
  const auto note = read(name);
  if (!note)
    return note.error();
  const auto sent = was_sent(name, *note);
  if (!sent)
    return sent.error();
  if (*sent) {
    // No mark may outlive a power loss that the file does not.
    if (auto synced = files_.sync(layout_.incoming()); !synced)
      return synced;
    if (auto marked = mark(*note); !marked)
      return marked;
  }
  if (auto removed = files_.remove(RetryPaths(layout_).note(name)); !removed)
    return removed;
  return files_.sync(layout_.rejected());
}

Result<RetryNote> CutRetries::read(const std::string& name) const {
  const auto path = RetryPaths(layout_).note(name);
  const auto file = files_.open(path);
  if (!file)
    return file.error();
  const auto size = (*file)->size();
  if (!size)
    return size.error();
  std::string text(*size, '\0');
  const auto got = (*file)->read_at(text, 0);
  if (!got)
    return got.error();
  text.resize(*got);
  auto note = RetryNote::decode(text);
  if (!note)
    return Error{note.error().code,
                 fmt::format("{}: {}: move it away, and look with `usherd trace` what was sent before "
                             "anything is retried",
                             printable(path, 400), note.error().message)};
  return note;
}

Result<bool> CutRetries::was_sent(const std::string& name, const RetryNote& note) const {
  const auto hidden = files_.stat(RetryPaths(layout_).hidden(name));
  if (!hidden && hidden.error().code == Errc::not_found)
    return true;
  if (!hidden)
    return hidden.error();
  const auto path = layout_.incoming() + "/" + note.retried_as;
  const auto shown = files_.stat(path);
  if (!shown)
    return shown.error().code == Errc::not_found ? Result<bool>(false) : shown.error();
  if (shown->device != hidden->device || shown->inode != hidden->inode)
    return false;
  // A file system that renames by a second name was cut off between. Nobody took it: it has two names.
  if (auto removed = files_.remove(path); !removed)
    return removed.error();
  if (auto synced = files_.sync(layout_.incoming()); !synced)
    return synced.error();
  return false;
}

Result<void> CutRetries::mark(const RetryNote& note) const {
  for (const auto& [file, lines] : note.lines) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> places;
    for (const auto& line : lines)
      places.try_emplace({line.line, line.offset}, line.retried_line);
    const auto edit = [&](const StoredReject& reject) {
      const auto place = places.find({reject.line, reject.offset});
      return place == places.end() ? RejectEdit{}
                                   : RejectEdit{RejectEdit::Kind::mark, note.retried_as, place->second};
    };
    // Rejects that expired meanwhile need no mark.
    auto written = rejects_.rewrite(file, edit);
    if (!written && written.error().code != Errc::not_found)
      return written;
  }
  return {};
}

}  // namespace usherd
