#include "src/settle/oldest_first.hpp"

#include "src/settle/end_paths.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <tuple>

namespace usherd {
namespace {

/// Retries of retries that are followed: more are a circle of marks that nobody of ours made.
constexpr int kMostRetries = 1000;

/// Of a receipt, by its head; 0 where there is none. What looks like the member inside the file's name is
/// escaped there.
Result<std::uint64_t> sequence_in(Files& files, const std::string& receipt) {
  constexpr std::string_view kMember = ",\"sequence\":";
  std::uint64_t sequence = 0;
  const auto file = files.open(receipt);
  if (!file && file.error().code != Errc::not_found)
    return file.error();
  if (!file)
    return sequence;
  std::string head(4096, '\0');
  const auto got = (*file)->read_at(head, 0);
  if (!got)
    return got.error();
  head.resize(*got);
  if (const auto at = head.find(kMember); at != std::string::npos)
    std::from_chars(head.data() + at + kMember.size(), head.data() + head.size(), sequence);
  return sequence;
}

std::size_t user_of(const StoredReject& reject) {
  return std::hash<std::string>{}(reject.uid.empty() ? reject.id : reject.uid);
}

}  // namespace

Result<void> OldestFirst::visit(const RejectFilter& filter, const RejectStore::Visit& visit) {
  // The records of one retry stand in its file as they came.
  if (filter.file) {
    names_ = {*filter.file};
    return visit_file(0, filter, visit);
  }
  if (auto found = find_files(); !found)
    return found;
  if (auto learnt = learn_marks(); !learnt)
    return learnt;
  if (auto found = find_retried(filter); !found)
    return found;
  for (std::size_t file = 0; file < names_.size(); ++file) {
    if (auto visited = visit_file(file, filter, visit); !visited)
      return visited;
  }
  return {};
}

Result<void> OldestFirst::find_files() {
  auto names = rejects_.names();
  if (!names)
    return names.error();
  std::vector<std::pair<std::uint64_t, std::string>> files;
  for (auto& name : *names) {
    const auto sequence = sequence_in(files_, EndPaths(layout_, name).receipt());
    if (!sequence)
      return sequence.error();
    files.emplace_back(*sequence, std::move(name));
  }
  std::sort(files.begin(), files.end());
  for (auto& [sequence, name] : files)
    names_.push_back(std::move(name));
  return {};
}

Result<void> OldestFirst::learn_marks() {
  std::map<std::string_view, std::size_t> retries;
  for (std::size_t file = 0; file < names_.size(); ++file) {
    if (names_[file].starts_with("retry-"))
      retries[names_[file]] = file;
  }
  if (retries.empty())
    return {};
  for (std::size_t file = 0; file < names_.size(); ++file) {
    const auto note = [&](const StoredReject& reject) -> Result<void> {
      const auto to = reject.retried_line == 0 ? retries.end() : retries.find(reject.retried_as);
      if (to == retries.end() || marks_.size() == kMostMarks)
        return {};
      const Mark mark{file, reject.line, reject.offset, user_of(reject)};
      marks_.try_emplace({to->second, reject.retried_line}, mark);
      retries_.insert(to->second);
      return {};
    };
    if (auto noted = rejects_.visit_named(names_[file], note, passed()); !noted)
      return noted;
  }
  return {};
}

Result<void> OldestFirst::find_retried(const RejectFilter& filter) {
  for (const auto file : retries_) {
    const auto note = [&](const StoredReject& reject) -> Result<void> {
      if (!filter.matches(reject))
        return {};
      if (const auto first = first_place(file, reject))
        retried_[first->file].push_back({first->offset, file, reject.at, reject.bytes.size()});
      return {};
    };
    if (auto noted = rejects_.visit_named(names_[file], note, passed()); !noted)
      return noted;
  }
  return {};
}

std::optional<OldestFirst::Mark> OldestFirst::first_place(std::size_t file,
                                                          const StoredReject& reject) const {
  std::optional<Mark> first;
  auto at = marks_.find({file, reject.line});
  for (int i = 0; i < kMostRetries && at != marks_.end() && at->second.user == user_of(reject); ++i) {
    first = at->second;
    at = marks_.find({first->file, first->line});
  }
  return first;
}

Result<void> OldestFirst::visit_file(std::size_t file, const RejectFilter& filter,
                                     const RejectStore::Visit& visit) {
  std::vector<Place> places;
  const bool retries = retries_.contains(file);
  const auto note = [&](const StoredReject& reject) -> Result<void> {
    if (filter.matches(reject) && !(retries && first_place(file, reject)))
      places.push_back({reject.offset, file, reject.at, reject.bytes.size()});
    return {};
  };
  if (auto noted = rejects_.visit_named(names_[file], note, bad_); !noted)
    return noted;
  if (const auto retried = retried_.find(file); retried != retried_.end()) {
    places.insert(places.end(), retried->second.begin(), retried->second.end());
    retried_.erase(retried);
  }
  // Rejects of the local rules stand in front of the API's, and these as their batches ended.
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.offset, a.file) < std::tie(b.offset, b.file);
  });
  for (auto from = places.begin(); from != places.end();) {
    const auto to = std::find_if(from, places.end(), [from](const Place& p) { return p.file != from->file; });
    std::vector<RejectStore::Place> together;
    for (auto place = from; place != to; ++place)
      together.push_back({place->at, place->length});
    if (auto visited = rejects_.visit_places(names_[from->file], together, visit); !visited)
      return visited;
    from = to;
  }
  return {};
}

}  // namespace usherd
