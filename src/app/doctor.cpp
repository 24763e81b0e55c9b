#include "usherd/app/doctor.hpp"

#include "usherd/core/text.hpp"
#include "usherd/spool/emptied_note.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/spool/layout.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace usherd {
namespace {

/// Whoever may drop can make many of them.
constexpr std::size_t kMostNamed = 20;

std::string name_in(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// Goes through both surveys once.
class Comparison {
 public:
  Comparison(const SpoolSurvey& spool, const LedgerSurvey& ledger) : spool_(spool), ledger_(ledger) {
    for (const auto& file : ledger.open)
      open_.emplace(file.number, &file);
    for (const auto& batch : ledger.batches)
      batches_.insert(batch.id);
  }

  std::vector<Finding> run() {
    look_at_numbers();
    for (const auto& file : ledger_.open)
      look_at_file(file);
    for (const auto& batch : ledger_.batches)
      look_at_batch(batch);
    for (const auto& [name, size] : spool_.working)
      look_at_name(name);
    look_at_retries();
    look_at_rejects();
    return std::move(findings_);
  }

 private:
  [[nodiscard]] bool holds(const std::string& name, std::uint64_t least) const {
    const auto found = spool_.working.find(name);
    return found != spool_.working.end() && found->second >= least;
  }

  /// A repair put an empty conversion in place of what could not be made anew.
  [[nodiscard]] bool given_up(const SpoolFile& file) const {
    const auto records = spool_.working.find(name_in(layout_.records(file.number)));
    const auto original = spool_.working.find(file.working);
    return records != spool_.working.end() && records->second == 0 && original != spool_.working.end() &&
           original->second < file.size;
  }

  /// The only file of its number, and as long as it was: its records are on their way, and must not be taken
  /// in once more.
  [[nodiscard]] const std::string* renamed(const SpoolFile& file) const {
    if (spool_.working.contains(file.working))
      return nullptr;
    const std::string* found = nullptr;
    const auto prefix = SpoolLayout::working_name(file.number, "");
    for (auto other = spool_.working.lower_bound(prefix);
         other != spool_.working.end() && other->first.starts_with(prefix); ++other) {
      if (found != nullptr || other->second != file.size || spool_.odd.contains(other->first))
        return nullptr;
      found = &other->first;
    }
    return found;
  }

  Finding& add(FindingKind kind, std::string what, std::string advice, std::string remedy = {}) {
    Finding finding;
    finding.kind = kind;
    finding.what = std::move(what);
    finding.advice = std::move(advice);
    finding.remedy = std::move(remedy);
    findings_.push_back(std::move(finding));
    return findings_.back();
  }

  void look_at_numbers() {
    const Numbers ledger{ledger_.last_file, ledger_.last_file, ledger_.last_batch};
    if (!is_older(ledger, spool_.numbers))
      return;
    const auto newer = std::count_if(spool_.working.begin(), spool_.working.end(), [&](const auto& entry) {
      return SpoolLayout::parse_working_name(entry.first).first > ledger_.last_file;
    });
    add(FindingKind::older_state,
        fmt::format("{}. working/ holds {} files that are newer than it and may have been sent already",
                    tell_older(ledger, spool_.numbers), newer),
        "put back the state that belongs to this spool",
        fmt::format("lets this state go on: numbers continue above {}, and a retry of older rejects asks for "
                    "--force. The next start takes {} files of working/ anew: what was sent of them, and of "
                    "files that the state knows as unfinished, may be sent a second time",
                    spool_.numbers.claimed, newer));
  }

  void look_at_file(const SpoolFile& file) {
    if (ledger_.ended_elsewhere.contains(file.number)) {
      add(FindingKind::older_state,
          fmt::format(
              "{} has ended, as its receipt or refusal says, and the state knows file {} as unfinished: "
              "the state is a copy from before",
              printable(file.name), file.number),
          "put back the state that belongs to this spool. A copy from before does not know what was sent "
          "since: "
          "records that working/ still holds may be sent a second time",
          "takes the end over as it was told. Records of other files that stood in one batch with it end as "
          "unknown (no_verdict), and a retry of older rejects asks for --force")
          .file = file.number;
      return;
    }
    if (spool_.published.contains(file.number))
      return;
    if (const auto* other = renamed(file)) {
      auto& finding = add(FindingKind::renamed,
                          fmt::format("{} was accepted as file {}, and stands as working/{}",
                                      printable(file.name), file.number, printable(*other)),
                          fmt::format("rename it to working/{}", printable(file.working)), "renames it back");
      finding.file = file.number;
      finding.name = *other;
      renamed_.insert(*other);
    } else if (!spool_.working.contains(file.working)) {
      auto& finding =
          add(FindingKind::missing_file,
              fmt::format("{} was accepted as file {} with {} bytes, and is not in working/",
                          printable(file.name), file.number, file.size),
              fmt::format("put it back as working/{}", printable(file.working)),
              file.state == FileState::ready
                  ? "puts an empty file there: the next start ends what is left of it as "
                    "file_changed, in its receipt and its rejects"
                  : "puts an empty file there: the next start refuses it whole; nothing of it was sent");
      finding.file = file.number;
      finding.name = file.working;
    }
    if (spool_.odd.contains(file.working))
      add(FindingKind::missing_file,
          fmt::format("{} was accepted as file {}, and something else than a file stands in its place",
                      printable(file.name), file.number),
          fmt::format("move working/{} away and put the file back; without it, run this again",
                      printable(file.working)));
    else
      look_at_size(file);
    if (file.state == FileState::ready)
      look_at_parts(file);
  }

  /// How long a file was that a repair emptied is told by its receipt and its rejects soon.
  void look_at_size(const SpoolFile& file) {
    const auto size = spool_.working.find(file.working);
    if (file.state == FileState::refused || size == spool_.working.end() || size->second >= file.size)
      return;
    if (size->second == 0 && holds(name_in(emptied_note(layout_, file.number)), 0))
      return;
    // What was made of it may be missing, too; that is told with its parts.
    if (file.converted && !holds(name_in(layout_.records(file.number)), file.read_size))
      return;
    const auto* next = file.converted ? "its records go out from what it was converted into"
                       : file.state == FileState::ready
                           ? "the next start ends what is missing as unknown (file_changed)"
                           : "the next start converts what is left, or refuses it whole (file_changed, "
                             "damaged_document, damaged_archive)";
    add(FindingKind::short_file,
        fmt::format("{} was accepted as file {} with {} bytes, and holds {} now", printable(file.name),
                    file.number, file.size, size->second),
        fmt::format("put it back as working/{}, with all its bytes; without it, {}", printable(file.working),
                    next))
        .file = file.number;
  }

  void look_at_parts(const SpoolFile& file) {
    const auto number = file.number;
    const auto format = format_of(file.original);
    // Lines that were merely unpacked stand where they stood.
    const bool has_origins = !format || format->format != Format::ndjson;
    const bool whole = holds(name_in(layout_.records(number)), file.read_size) &&
                       (!has_origins || holds(name_in(layout_.origins(number)), 0));
    if (file.converted && !whole && !given_up(file)) {
      const bool can = !spool_.odd.contains(file.working);
      auto& finding =
          add(FindingKind::missing_part,
              fmt::format("what {} was converted into is gone or too short", printable(file.name)),
              fmt::format("put working/{} and its .origins back", name_in(layout_.records(number))),
              can ? "converts the file again; if that is not what was accepted any more, the next start ends "
                    "what is left of it as file_changed, in its receipt and its rejects"
                  : "");
      finding.file = number;
    }
    if (file.mark.local_length > 0 && !holds(name_in(layout_.local_rejects(number)), file.mark.local_length))
      add(FindingKind::missing_part,
          fmt::format("{} reject lines of {} are gone or cut short",
                      file.mark.local_rejected + file.mark.local_unknown, printable(file.name)),
          fmt::format("put working/{} back; until then the file cannot be settled",
                      name_in(layout_.local_rejects(number))))
          .file = number;
    const auto ended = ledger_.rejects.find(number);
    if (ended == ledger_.rejects.end())
      return;
    for (const auto batch : ended->second) {
      const auto name = name_in(layout_.batch_rejects(number, batch));
      if (!holds(name, 1))
        add(FindingKind::missing_part,
            fmt::format("the reject lines of {} from batch {} are gone", printable(file.name), batch),
            fmt::format("put working/{} back; until then the file cannot be settled", name))
            .file = number;
    }
  }

  void look_at_batch(const LedgerSurvey::Batch& batch) {
    // How those of an ended file ended is told by its receipt.
    if (batch.matches || batch.of_ended)
      return;
    if (batch.unreadable) {
      add(FindingKind::unreadable,
          fmt::format("batch {} was frozen and cannot be read: {}", batch.id, batch.why),
          "give usherd's user the right to read what is in working/ (chown), or look after the disk; until "
          "then it waits");
      return;
    }
    auto& finding =
        add(FindingKind::changed_batch,
            fmt::format("batch {} was frozen and is not on the disk as it was: {}", batch.id, batch.why),
            "put its files back as they were, or start usherd: it tells changed records from the others "
            "where that can be told",
            "ends all of its records as unknown (file_changed), unless another repair set it right");
    finding.batch = batch.id;
  }

  void look_at_name(const std::string& name) {
    if (const auto number = SpoolLayout::parse_working_name(name).first; number != 0) {
      look_at_accepted(name, number);
      return;
    }
    const auto derived = SpoolLayout::parse_derived_name(name);
    if (derived.of == 0) {
      add(FindingKind::foreign, fmt::format("working/{} is not usherd's", printable(name)), "move it away")
          .name = name;
      return;
    }
    if (derived.of == 'b' ? batches_.contains(derived.number) : needs(derived))
      return;
    add(FindingKind::leftover, fmt::format("working/{} belongs to nothing any more", printable(name)),
        "nothing: the next start removes it", "removes it")
        .name = name;
  }

  void look_at_retries() {
    if (spool_.cut_retries.empty())
      return;
    const auto& left = spool_.cut_retries;
    std::string names;
    for (std::size_t at = 0; at < std::min(left.size(), kMostNamed); ++at)
      names += (at == 0 ? "" : ", ") + printable(left[at]);
    if (left.size() > kMostNamed)
      names += fmt::format(" and {} more", left.size() - kMostNamed);
    add(FindingKind::cut_retry, fmt::format("`usherd rejects` was cut short: {}", names),
        "nothing: the next start does what --repair does; until then `usherd rejects export` may export "
        "nothing",
        "ends it: rejects whose new file stands in incoming/ or was taken are marked as retried, any other "
        "retry is taken back");
  }

  void look_at_rejects() {
    const auto& bad = spool_.bad_rejects;
    for (const auto& what : bad.told)
      add(FindingKind::bad_reject, what, "do that: none of that file's rejects is retried or dropped before",
          "");
    if (bad.count > bad.told.size())
      add(FindingKind::bad_reject, fmt::format("{} more such lines", bad.count - bad.told.size()),
          "mend the first ones and run doctor again", "");
  }

  /// Whether what was derived from a file still serves.
  [[nodiscard]] bool needs(const SpoolLayout::Derived& derived) const {
    if (derived.kind == "original")
      return derived.number > ledger_.last_file;
    if (open_.contains(derived.number) || derived.number > ledger_.last_file)
      return true;
    // A settlement that was cut short still needs what it settles from.
    return ledger_.settled.contains(derived.number) &&
           std::any_of(spool_.working.begin(), spool_.working.end(), [&](const auto& entry) {
             return SpoolLayout::parse_working_name(entry.first).first == derived.number;
           });
  }

  void look_at_accepted(const std::string& name, FileNumber number) {
    const auto row = open_.find(number);
    if ((row != open_.end() && row->second->working == name) || renamed_.contains(name))
      return;
    // The next start adopts those that no row was made for.
    if (number > ledger_.last_file)
      return;
    // Nobody can tell whether what is forgotten was delivered.
    const bool settled = ledger_.settled.contains(number);
    if (row != open_.end() && !spool_.working.contains(row->second->working)) {
      add(FindingKind::orphan,
          fmt::format("working/{} has the number of {}, which is missing", printable(name),
                      printable(row->second->name)),
          fmt::format("if it is that file, rename it to working/{}; else move it away; moved to incoming/ it "
                      "may be delivered a second time",
                      printable(row->second->working)))
          .name = name;
      return;
    }
    const bool may_have_ended = settled || (row == open_.end() && number <= ledger_.last_forgotten);
    auto& finding =
        add(FindingKind::orphan,
            fmt::format("working/{} {}", printable(name),
                        settled          ? "has ended already, says the ledger"
                        : may_have_ended ? "has ended already and is forgotten, or was never in the ledger"
                                         : "is not in the ledger"),
            may_have_ended ? "move it away; moved to incoming/ it would be delivered, perhaps a second time"
                           : "move it to incoming/ to have it delivered, or away if done/ holds it already",
            may_have_ended ? "" : "moves it back to incoming/, to be taken anew");
    finding.file = number;
    finding.name = name;
  }

  const SpoolSurvey& spool_;
  const LedgerSurvey& ledger_;
  SpoolLayout layout_{std::string()};
  std::map<FileNumber, const SpoolFile*> open_;
  std::set<BatchId> batches_;
  std::set<std::string> renamed_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string_view word_of(FindingKind kind) {
  switch (kind) {
    case FindingKind::damaged_ledger:
      return "damaged_ledger";
    case FindingKind::not_together:
      return "not_together";
    case FindingKind::older_state:
      return "older_state";
    case FindingKind::missing_file:
      return "missing_file";
    case FindingKind::short_file:
      return "short_file";
    case FindingKind::renamed:
      return "renamed";
    case FindingKind::orphan:
      return "orphan";
    case FindingKind::changed_batch:
      return "changed_batch";
    case FindingKind::missing_part:
      return "missing_part";
    case FindingKind::newer_ledger:
      return "newer_ledger";
    case FindingKind::odd_folder:
      return "odd_folder";
    case FindingKind::unreadable:
      return "unreadable";
    case FindingKind::leftover:
      return "leftover";
    case FindingKind::cut_retry:
      return "cut_retry";
    case FindingKind::missing_folder:
      return "missing_folder";
    case FindingKind::wrong_owner:
      return "wrong_owner";
    case FindingKind::bad_reject:
      return "bad_reject";
    case FindingKind::foreign:
      return "foreign";
  }
  return {};
}

std::vector<Finding> diagnose(const SpoolSurvey& spool, const LedgerSurvey& ledger) {
  return Comparison(spool, ledger).run();
}

}  // namespace usherd
