#include "src/app/doctor_owners.hpp"
#include "src/app/doctor_survey.hpp"
#include "src/app/lost_places.hpp"
#include "src/app/missing_folders.hpp"
#include "src/app/pair_findings.hpp"
#include "src/app/standard_output.hpp"
#include "usherd/core/text.hpp"
#include "usherd/ledger/ledger_repair.hpp"
#include "usherd/spool/folders.hpp"
#include "usherd/spool/spool_lock.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

namespace usherd {
namespace {

class Doctor {
 public:
  Doctor(const Config& config, Files& disk, bool repair)
      : config_(config), disk_(disk), layout_(config.spool.directory), repair_(repair) {}

  ExitCode run() {
    if (const auto exit = bring_state())
      return *exit;
    for (const auto& directory : {layout_.working(), config_.state.directory}) {
      if (!std::filesystem::is_directory(directory)) {
        if (tell_odd_folders())
          return conclude();
        if (directory == layout_.working() && has_lost_working(disk_, layout_, config_.state.directory))
          continue;
        if (const auto exit = bring_spool())
          return *exit;
        if (std::filesystem::is_directory(directory))
          continue;
        tell(
            "usherd: {} is not there: nothing was ever accepted, or spool.directory or "
            "state.directory is wrong\n",
            directory);
        return ExitCode::config;
      }
    }
    // Before anything is made here, by root perhaps.
    const OwnersSurvey owners(config_);
    MadePlaces made;
    auto lock = SpoolLock::take(config_.spool.directory, config_.state.directory, &made);
    if (!lock) {
      if (lock.error().code != Errc::denied)
        tell_owners(owners, false);
      made.remove();
      return not_locked(lock.error());
    }
    tell_owners(owners, repair_ && ::geteuid() == 0);
    tell_missing_folders();
    const auto exit = look_and_tell();
    // A directory that no usherd ever used is left as it was.
    made.remove();
    return exit;
  }

 private:
  /// A spool that was in use and whose state directory is gone altogether, as after an unmount: what is
  /// missing is told; a repair goes on with a new one.
  std::optional<ExitCode> bring_state() {
    const auto& state = config_.state.directory;
    std::error_code failed;
    if (std::filesystem::symlink_status(state, failed).type() != std::filesystem::file_type::not_found)
      return std::nullopt;
    const auto id = read_spool_id(disk_, layout_);
    const auto numbers = numbers_in_working(disk_, layout_);
    const bool is_used = (id && !id->empty()) || (numbers && !numbers->empty());
    if (!is_used)
      return std::nullopt;
    if (!repair_) {
      report(apart(fmt::format("the state directory {} is not there, and the spool {} was used with one",
                               state, layout_.root()),
                   true),
             false);
      return conclude();
    }
    const auto made = make_private_like(state, layout_.working());
    return made ? std::nullopt : std::optional(ended_by(made.error()));
  }

  /// The other way round: the state knows files, and the spool is not there, or is empty, as after an
  /// unmount.
  std::optional<ExitCode> bring_spool() {
    const auto& state = config_.state.directory;
    if (!holds_ledger(state))
      return std::nullopt;
    // Its usherd may be running, on the right spool.
    MadePlaces made_here;
    const auto lock = SpoolLock::take(state, state, &made_here);
    if (!lock)
      return not_locked(lock.error());
    const auto open = unfinished_files(state);
    made_here.remove();
    if (!open && open.error().code != Errc::corrupt)
      return ended_by(open.error());
    if (open && !*open)
      return std::nullopt;
    const bool can = open && **open == 0 && std::filesystem::is_directory(layout_.root());
    if (repair_ && can) {
      const auto made = make_private_like(layout_.working(), state);
      return made ? std::nullopt : std::optional(ended_by(made.error()));
    }
    report(open ? apart(fmt::format("the spool {} and the state {} do not belong together: the state knows "
                                    "files, and {} is not there",
                                    layout_.root(), state, layout_.working()),
                        can)
                : damaged_state(open.error()),
           false);
    return conclude();
  }

  static ExitCode ended_by(const Error& error) {
    tell("usherd: {}\n", error.message);
    return ExitCode::failure;
  }

  [[nodiscard]] ExitCode not_locked(const Error& error) const {
    tell("usherd: {}{}\n", error.message, advice_for(error));
    return error.code == Errc::denied ? ExitCode::busy : ExitCode::failure;
  }

  /// Told before what stood in it; a repair makes it, so that each of the files can be brought to an end.
  Result<void> bring_working() {
    if (!has_lost_working(disk_, layout_, config_.state.directory))
      return {};
    Finding finding;
    finding.kind = FindingKind::missing_folder;
    finding.what = fmt::format("{} is not there", layout_.working());
    finding.advice = "put it back with all that it held";
    finding.remedy = "makes it anew: what it held is missing";
    if (repair_) {
      if (auto made = make_private_like(layout_.working(), config_.state.directory); !made)
        return made;
      if (auto synced = disk_.sync(layout_.root()); !synced)
        return synced;
    }
    report(finding, repair_);
    return {};
  }

  void tell_owners(const OwnersSurvey& owners, bool gives) {
    if (const auto finding = owners.finding())
      report(*finding, gives && owners.give());
  }

  /// The service may not be able to make them.
  void tell_missing_folders() {
    for (const auto& finding : find_missing_folders(layout_)) {
      // Told with what it held.
      if (finding.name != layout_.working() || !has_lost_working(disk_, layout_, config_.state.directory))
        report(finding, false);
    }
  }

  bool tell_odd_folders() {
    const auto odd = odd_folders(layout_);
    for (const auto& why : odd) {
      Finding finding;
      finding.kind = FindingKind::odd_folder;
      finding.what = printable(why, 1000);
      finding.advice = "do that: no start takes anything before";
      report(finding, false);
    }
    return !odd.empty();
  }

  ExitCode look_and_tell() {
    // Nothing in it can be told from what is missing.
    if (tell_odd_folders())
      return conclude();
    const auto looked = look();
    // What a repair by root made must not be out of the daemon's reach.
    if (repair_ && ::geteuid() == 0)
      static_cast<void>(OwnersSurvey(config_).give());
    if (looked)
      return conclude();
    return ended_by(looked.error());
  }

  [[nodiscard]] std::string_view advice_for(const Error& error) const {
    if (error.code == Errc::denied)
      return ": stop it first";
    const auto is_closed = [](const std::string& directory) {
      const auto lock = directory + "/.usherd-lock";
      // A disk that is read-only is so for everybody.
      return (::access(directory.c_str(), W_OK) != 0 && errno == EACCES) ||
             (::access(lock.c_str(), W_OK) != 0 && errno == EACCES);
    };
    const bool is_stranger = is_closed(layout_.root()) || is_closed(config_.state.directory);
    return is_stranger ? ": run doctor as root, or as the user that usherd runs as" : "";
  }

  Result<void> look() {
    if (!holds_ledger(config_.state.directory) && !repair_)
      return look_without_ledger();
    auto opened = Ledger::open(config_.state.directory);
    if (!opened && opened.error().code == Errc::invalid) {
      Finding finding;
      finding.kind = FindingKind::newer_ledger;
      finding.what = printable(opened.error().message, 1000);
      finding.advice = "do that; the ledger is whole, leave it where it is";
      report(finding, false);
      return {};
    }
    if (!opened && opened.error().code != Errc::corrupt)
      return opened.error();
    if (!opened) {
      report(damaged_state(opened.error()), false);
      return {};
    }
    auto ledger = std::move(*opened);
    if (auto sound = check(ledger); !sound)
      return sound;
    if (damaged_)
      return {};
    auto compared = compare(*ledger);
    if (compared || compared.error().code != Errc::corrupt)
      return compared;
    // Sound for SQLite, and yet not what a ledger holds.
    report(damaged_state(compared.error()), false);
    return {};
  }

  /// Nothing was ever accepted, or the state was lost.
  Result<void> look_without_ledger() {
    const auto numbers = numbers_in_working(disk_, layout_);
    if (!numbers)
      return numbers.error();
    const auto id = read_spool_id(disk_, layout_);
    if (!id)
      return id.error();
    if (!numbers->empty())
      report(apart("the state directory holds no ledger, working/ holds accepted files", true), false);
    else if (!id->empty())
      report(apart("the state directory holds no ledger, and the spool was used with one", true), false);
    return {};
  }

  /// Indexes can be made anew from the rows; for damaged rows there is no cure but a copy.
  Result<void> check(std::unique_ptr<Ledger>& ledger) {
    const auto sound = ledger->check();
    if (sound)
      return {};
    if (sound.error().code != Errc::corrupt)
      return sound.error();
    bool healed = false;
    if (repair_) {
      ledger.reset();
      const auto rebuilt = rebuild_ledger_indexes(config_.state.directory);
      auto opened = Ledger::open(config_.state.directory);
      if (opened)
        ledger = std::move(*opened);
      healed = rebuilt && ledger != nullptr && ledger->check().has_value();
    }
    report(damaged_state(sound.error(), "makes its indexes anew, which helps where the rows are whole"),
           healed);
    damaged_ = !healed;
    return {};
  }

  Result<void> compare(Ledger& ledger) {
    if (auto brought = bring_working(); !brought)
      return brought;
    const auto numbers = numbers_in_working(disk_, layout_);
    if (!numbers)
      return numbers.error();
    const auto facts = survey_ledger(disk_, layout_, ledger, *numbers);
    if (!facts)
      return facts.error();
    const auto spool = survey_spool(disk_, layout_, facts->open);
    if (!spool)
      return spool.error();
    const auto findings = diagnose(*spool, *facts);
    auto paired = look_at_pair(ledger, findings, !numbers->empty());
    if (!paired || apart_)
      return paired;
    for (const auto& finding : findings) {
      // A new state is no copy from before: that it goes on above the numbers of the lost one is part of the
      // pairing.
      const bool is_done = renewed_ && finding.kind == FindingKind::older_state && finding.file == 0;
      if (!is_done)
        treat(ledger, finding);
    }
    return {};
  }

  void treat(Ledger& ledger, const Finding& finding) {
    if (!repair_ || finding.remedy.empty()) {
      report(finding, false);
      return;
    }
    ConvertLimits limits;
    limits.max_unpacked = config_.spool.max_unpacked;
    limits.max_ratio = config_.spool.max_ratio;
    const auto done = remedy(disk_, layout_, ledger, finding, limits);
    report(finding, done.has_value());
    if (!done)
      fmt::print("    could not be repaired: {}\n", printable(done.error().message, 1000));
  }

  /// As match_spool() sees it, without making a pair of what is none yet.
  Result<void> look_at_pair(Ledger& ledger, const std::vector<Finding>& findings, bool holds_files) {
    const auto known = ledger.fact("spool_id");
    if (!known)
      return known.error();
    const auto id = read_spool_id(disk_, layout_);
    if (!id)
      return id.error();
    const auto last = ledger.last_file_number();
    if (!last)
      return last.error();
    const bool fresh = *last == 0;
    if ((known->has_value() && **known == *id) || (id->empty() && fresh && !holds_files))
      return {};
    const bool agree = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
      return finding.kind == FindingKind::missing_file || finding.kind == FindingKind::orphan;
    });
    bool repaired = false;
    const bool can = fresh || agree;
    if (repair_ && can) {
      // Numbers first: a pair without them would start below what the spool has come to.
      auto made = fresh ? go_on_above(disk_, layout_, ledger) : Result<void>{};
      if (made)
        made = make_pair(disk_, layout_, ledger);
      if (!made)
        return made;
      repaired = true;
      renewed_ = fresh;
    }
    const auto* why = fresh && id->empty() ? "the state is new, and working/ holds accepted files"
                      : id->empty()        ? "the state knows files, and the spool has no id"
                      : known->has_value() ? "their ids differ"
                                           : "the state knows no spool, and this one has an id";
    report(apart(fmt::format("the spool {} and the state {} do not belong together: {}", layout_.root(),
                             config_.state.directory, why),
                 can),
           repaired);
    // What else differs follows from that.
    apart_ = !repaired;
    return {};
  }

  void report(const Finding& finding, bool repaired) {
    ++found_;
    left_ += repaired ? 0 : 1;
    fmt::print("{}: {}\n", word_of(finding.kind), finding.what);
    if (repaired) {
      fmt::print("    repaired: {}\n", finding.remedy);
      return;
    }
    fmt::print("    you can: {}\n", finding.advice);
    if (!finding.remedy.empty() && !repair_)
      fmt::print("    --repair: {}\n", finding.remedy);
  }

  ExitCode conclude() const {
    if (found_ == 0)
      fmt::print("spool {} and state {} are in order\n", layout_.root(), config_.state.directory);
    else if (left_ == 0)
      fmt::print("{} found, all repaired\n", found_);
    else
      fmt::print("{} found, {} left\n", found_, left_);
    return left_ == 0 ? ExitCode::ok : ExitCode::with_rejects;
  }

  const Config& config_;
  Files& disk_;
  SpoolLayout layout_;
  bool repair_;
  bool damaged_ = false;
  bool apart_ = false;
  bool renewed_ = false;
  std::size_t found_ = 0;
  std::size_t left_ = 0;
};

}  // namespace

ExitCode run_doctor(const Config& config, Files& disk, bool repair) {
  return Doctor(config, disk, repair).run();
}

}  // namespace usherd
