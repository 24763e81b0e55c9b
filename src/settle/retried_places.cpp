#include "src/settle/retried_places.hpp"

#include "usherd/spool/file_name.hpp"

#include <functional>
#include <map>
#include <string>

namespace usherd {
namespace {

/// Asks the ledger once for each name.
class FileNumbers {
 public:
  explicit FileNumbers(LedgerReader& ledger) : ledger_(ledger) {}

  Result<FileNumber> of(const std::string& name) {
    if (const auto known = known_.find(name); known != known_.end())
      return known->second;
    const auto file = ledger_.file_named(name);
    if (!file)
      return file.error();
    return known_[name] = *file ? (*file)->number : 0;
  }

 private:
  LedgerReader& ledger_;
  std::map<std::string, FileNumber, std::less<>> known_;
};

}  // namespace

RecordPlace place_of(const StoredReject& reject, FileNumber file) {
  const auto format = format_of(reject.file);
  RecordPlace place;
  place.file = file;
  place.lines_compare = format && format->format == Format::ndjson;
  place.position = place.lines_compare ? reject.line : reject.offset;
  place.batch = reject.batch;
  // Retry files are lines; a producer may have given another format such a name.
  place.is_first = !place.lines_compare || !reject.file.starts_with("retry-");
  return place;
}

Result<void> RetriedPlaces::learn(const RejectStore& rejects, LedgerReader& ledger, const UserKeys& keys,
                                  const std::unordered_set<std::uint64_t>& users, BadLines& bad) {
  before_.clear();
  FileNumbers numbers(ledger);
  const auto note = [&](const StoredReject& reject) -> Result<void> {
    if (reject.retried_line == 0 || before_.size() == kMost)
      return {};
    Before before;
    before.key = reject.uid.empty() ? 0 : keys.uid(reject.uid);
    before.second = reject.id.empty() ? 0 : keys.id(reject.id);
    if (!users.contains(before.key) && !users.contains(before.second))
      return {};
    const auto to = numbers.of(reject.retried_as);
    if (!to)
      return to.error();
    const auto from = numbers.of(reject.file);
    if (!from)
      return from.error();
    before.place = place_of(reject, *from);
    if (*to != 0)
      before_.try_emplace({*to, reject.retried_line}, before);
    return {};
  };
  return rejects.visit({}, note, &bad);
}

std::optional<RecordPlace> RetriedPlaces::of(FileNumber file, std::uint64_t line, std::uint64_t key) const {
  std::optional<RecordPlace> place;
  auto at = before_.find({file, line});
  // Only ever to an earlier file, so that it ends.
  while (at != before_.end() && key != 0 && (at->second.key == key || at->second.second == key) &&
         at->second.place.file < file) {
    place = at->second.place;
    file = place->file;
    at = place->lines_compare ? before_.find({file, place->position}) : before_.end();
  }
  return place;
}

}  // namespace usherd
