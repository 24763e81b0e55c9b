#include "usherd/spool/incoming_scan.hpp"

#include "usherd/spool/drop.hpp"
#include "usherd/spool/file_name.hpp"

#include <algorithm>

namespace usherd {
namespace {

void add_odd(ScanPage& page, LeftFile odd) {
  ++page.odd_count;
  ++page.odd_reasons[odd.reason];
  if (page.odd.size() < ScanOptions::kMostOdd)
    page.odd.push_back(std::move(odd));
}

/// The file when it can be taken; else says in `page` why not.
std::optional<SeenFile> look(Files& files, const std::string& directory, std::string_view name,
                             ScanPage& page) {
  SeenFile file;
  file.name = name;
  const auto stat = files.stat(directory + "/" + file.name);
  if (!stat) {
    page.denied = page.denied || stat.error().code == Errc::denied;
    if (stat.error().code != Errc::not_found)
      add_odd(page, leave(name, LeftReason::failed, stat.error().message));
    return std::nullopt;
  }
  file.stat = *stat;
  if (auto odd = oddity(file)) {
    add_odd(page, std::move(*odd));
    return std::nullopt;
  }
  return file;
}

/// Of all that is hidden these alone are usherd's own.
void note_submit(Files& files, const std::string& directory, std::string_view name, ScanPage& page) {
  if (!name.starts_with(kSubmitPrefix) || page.submits.size() >= ScanOptions::kMostSubmits)
    return;
  SeenFile file;
  file.name = name;
  const auto stat = files.stat(directory + "/" + file.name);
  if (!stat || stat->kind != FileKind::regular)
    return;
  file.stat = *stat;
  page.submits.push_back(std::move(file));
}

}  // namespace

std::optional<LeftFile> oddity(const SeenFile& file) {
  switch (file.stat.kind) {
    case FileKind::regular:
      if (file.stat.links > 1)
        return leave(file.name, LeftReason::hard_link);
      return std::nullopt;
    case FileKind::directory:
      return leave(file.name, LeftReason::directory);
    case FileKind::symlink:
      return leave(file.name, LeftReason::symlink);
    case FileKind::other:
      return leave(file.name, LeftReason::special);
  }
  return std::nullopt;
}

Result<ScanPage> scan_incoming(Files& files, const std::string& directory, const ScanOptions& options) {
  ScanPage page;
  auto& heap = page.files;  // the last dropped of those kept stands at its front
  const auto visit = [&](std::string_view name) {
    if (!is_visible_name(name)) {
      note_submit(files, directory, name, page);
      return true;
    }
    auto file = look(files, directory, name, page);
    if (!file || (options.after && !dropped_before(*options.after, *file)))
      return true;
    if (options.wanted && !options.wanted(*file))
      return true;
    heap.push_back(std::move(*file));
    std::push_heap(heap.begin(), heap.end(), dropped_before);
    if (heap.size() > options.most) {
      std::pop_heap(heap.begin(), heap.end(), dropped_before);
      heap.pop_back();
      page.cut = true;
    }
    return true;
  };
  const auto listed = files.list(directory, visit);
  if (!listed)
    return listed.error();
  std::sort_heap(heap.begin(), heap.end(), dropped_before);
  return page;
}

ScanPage look_at(Files& files, const std::string& directory, const std::vector<std::string>& names) {
  ScanPage page;
  for (const auto& name : names) {
    if (!is_visible_name(name))
      continue;
    if (auto file = look(files, directory, name, page))
      page.files.push_back(std::move(*file));
  }
  std::sort(page.files.begin(), page.files.end(), dropped_before);
  return page;
}

}  // namespace usherd
