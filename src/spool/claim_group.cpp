#include "src/spool/claim_group.hpp"

#include "src/spool/free_name.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/spool/folders.hpp"
#include "usherd/spool/incoming_scan.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <tuple>

namespace usherd {
namespace {

bool same_file(const FileStat& left, const FileStat& right) {
  return left.kind == right.kind && left.links == right.links &&
         std::tie(left.device, left.inode, left.size, left.modified_ns) ==
             std::tie(right.device, right.inode, right.size, right.modified_ns);
}

/// Where its group may read it already, another chmod sets nothing right.
LeftFile unreadable(const std::string& path, const std::string& name) {
  auto left = leave(name, LeftReason::unreadable);
  struct ::stat found {};
  if (::lstat(path.c_str(), &found) == 0 && (found.st_mode & S_IRGRP) != 0)
    left.detail =
        "usherd may not read it, although its group may: the file was moved here from elsewhere, and must be "
        "copied, as usherd submit does; or incoming/ has no default ACL for usherd (usherd.conf in "
        "tmpfiles.d "
        "sets it with setfacl -d)";
  return left;
}

LeftFile left_by(const std::string& path, const std::string& name, const Error& error) {
  switch (error.code) {
    case Errc::denied:
      return unreadable(path, name);
    case Errc::not_found:
      return leave(name, LeftReason::vanished);
    default:
      return leave(name, LeftReason::failed, error.message);
  }
}

void check_and_sync_one(Files& files, const std::string& path, ClaimItem& item) {
  const auto& name = item.seen.name;
  const auto stat = files.stat(path);
  if (!stat) {
    item.left = left_by(path, name, stat.error());
    return;
  }
  const bool same = same_file(item.seen.stat, *stat);
  item.seen.stat = *stat;
  item.left = oddity(item.seen);
  if (item.left)
    return;
  if (!same) {
    item.left = leave(name, LeftReason::changing);
    item.changed = true;
    return;
  }
  // Opened only to learn whether it can be: a file that cannot be read must not leave incoming/.
  const auto opened = files.open(path);
  if (!opened) {
    item.left = left_by(path, name, opened.error());
    return;
  }
  const auto synced = files.sync(path);
  if (!synced)
    item.left = left_by(path, name, synced.error());
}

Result<void> write_note(Files& files, const SpoolLayout& layout, const SpoolFile& row) {
  const auto note = files.write(original_note(layout, row.number), WriteMode::truncate);
  if (!note)
    return note.error();
  const auto written = (*note)->append(row.original);
  if (!written)
    return written.error();
  return (*note)->sync();
}

/// Puts back what arrived but is not what was checked. Nothing in incoming/ is ever replaced.
Result<void> put_back(Files& files, const SpoolLayout& layout, ClaimItem& item) {
  const auto from = layout.working_file(item.row);
  auto back = files.rename(from, layout.incoming() + "/" + item.seen.name);
  for (std::uint64_t number = 2; !back && back.error().code == Errc::exists && number < 100; ++number)
    back = files.rename(from, layout.incoming() + "/" + numbered_name(item.seen.name, number));
  return back;
}

/// A file that cannot be moved, as one that another is mounted on, while others can: it still stands there as
/// it was checked.
bool is_its_own_fault(Files& files, const SpoolLayout& layout, const ClaimItem& item) {
  const auto stands = files.stat(layout.incoming() + "/" + item.seen.name);
  return stands && same_file(item.seen.stat, *stands) && try_intake(files, layout);
}

/// False when the rest of the group must wait.
bool move_one(Files& files, const SpoolLayout& layout, ClaimItem& item, Claimer::Group& group) {
  const auto& name = item.seen.name;
  if (item.row.original != item.row.name) {
    const auto noted = write_note(files, layout, item.row);
    if (!noted) {
      group.stopped = noted.error();
      return false;
    }
  }
  const auto moved = files.rename(layout.incoming() + "/" + name, layout.working_file(item.row));
  if (!moved) {
    const auto code = moved.error().code;
    if (code == Errc::io && is_its_own_fault(files, layout, item)) {
      item.left = leave(name, LeftReason::failed, moved.error().message);
      return true;
    }
    if (code == Errc::no_space || code == Errc::io || code == Errc::timeout) {
      group.stopped = moved.error();
      // A disk that went away may have renamed it all the same.
      group.orphaned = code != Errc::no_space;
      return false;
    }
    // It could be read: what is closed, or gone, is the way, of all files or of this one.
    const bool is_denied = moved.error().code == Errc::denied;
    if (is_denied || moved.error().code == Errc::not_found) {
      auto open = try_intake(files, layout);
      if (open && is_denied)
        open = gives_out(layout);
      if (!open) {
        group.stopped = open.error();
        return false;
      }
    }
    if (is_denied) {
      item.left = leave(name, LeftReason::failed, moved.error().message);
      return true;
    }
    item.left = left_by(layout.incoming() + "/" + name, name, moved.error());
    return true;
  }
  const auto arrived = files.stat(layout.working_file(item.row));
  if (arrived && same_file(item.seen.stat, *arrived)) {
    item.moved = true;
    return true;
  }
  const auto back = arrived ? put_back(files, layout, item) : Result<void>(arrived.error());
  if (!back) {
    group.stopped = back.error();
    group.orphaned = true;
    return false;
  }
  item.changed = true;
  item.seen.stat = *arrived;
  item.left = leave(name, LeftReason::changing);
  return true;
}

}  // namespace

std::string original_note(const SpoolLayout& layout, FileNumber number) {
  return fmt::format("{}/f{:012}.original", layout.working(), number);
}

void check_and_sync(Files& files, const SpoolLayout& layout, std::span<ClaimItem> items) {
  for (auto& item : items)
    check_and_sync_one(files, layout.incoming() + "/" + item.seen.name, item);
}

Result<void> choose_names(Files& files, const SpoolLayout& layout, Ledger& ledger,
                          std::span<ClaimItem> items) {
  FreeNames names(files, layout, ledger);
  for (auto& item : items) {
    auto name = names.claim(entry_name(item.seen.name, item.row.number), item.seen.name);
    if (!name)
      return name.error().within("find a free name");
    item.row.name = std::move(*name);
    item.row.original = item.seen.name;
    item.row.working = SpoolLayout::working_name(item.row.number, item.row.name);
  }
  return {};
}

void move_group(Files& files, const SpoolLayout& layout, Claimer::Group& group) {
  for (auto& item : group.items) {
    if (!item.left && !move_one(files, layout, item, group))
      return;
  }
}

Result<void> sync_folders(Files& files, const SpoolLayout& layout, const Numbers& before,
                          const Numbers& now) {
  // Before the rows are: a number that the ledger holds is one that the spool remembers. Not to tell it holds
  // up nothing.
  static_cast<void>(move_numbers(files, layout, before, now));
  const auto working = files.sync(layout.working());
  if (!working)
    return working.error();
  return files.sync(layout.incoming());
}

void describe(SpoolFile& row) {
  const auto format = format_of(row.original);
  row.state = FileState::accepted;
  row.read_size = 0;
  if (!format) {
    row.state = FileState::refused;
    row.refusal_code = "unknown_format";
    row.refusal_message = fmt::format("the name ends in none of {}", known_endings());
  }
}

Result<void> insert_rows(Ledger& ledger, std::span<const ClaimItem> items) {
  for (const auto& item : items) {
    const auto& row = item.row;
    const auto inserted = ledger.insert_file(row);
    if (!inserted)
      return inserted.error();
    const auto format = format_of(row.original);
    const bool as_it_is =
        format && format->format == Format::ndjson && format->compression == Compression::none;
    if (row.state != FileState::accepted || !as_it_is)
      continue;
    const auto ready = ledger.file_ready(row.number, false, row.size);
    if (!ready)
      return ready.error();
  }
  return {};
}

}  // namespace usherd
