#include "usherd/settle/expiry.hpp"

#include "src/settle/end_paths.hpp"

#include <algorithm>

namespace usherd {
namespace {

Result<void> remove_both(Files& files, const std::string& first, const std::string& second) {
  auto removed = files.remove(first);
  return removed ? files.remove(second) : removed;
}

Ledger::End last_of(const std::vector<Ledger::Expired>& files, const Ledger::End& before) {
  return files.empty() ? before : Ledger::End{files.back().finished, files.back().number};
}

}  // namespace

Milliseconds Expiry::pace(KeepTimes keep) {
  constexpr Milliseconds kFastest{std::chrono::seconds(1)};
  constexpr Milliseconds kSlowest{std::chrono::minutes(10)};
  return std::clamp(std::min(keep.done, keep.rejected) / 10, kFastest, kSlowest);
}

Result<Expiring> Expiry::gather(Ledger& ledger, WallTime now, KeepTimes keep, std::size_t most,
                                const ExpiryMark& after) {
  auto done = ledger.kept_before(Ledger::Kept::done, now - keep.done, most, after.done);
  if (!done)
    return done.error();
  auto rejected = ledger.kept_before(Ledger::Kept::rejected, now - keep.rejected, most, after.rejected);
  if (!rejected)
    return rejected.error();
  Expiring expiring;
  expiring.reached = {last_of(*done, after.done), last_of(*rejected, after.rejected)};
  expiring.done = std::move(*done);
  expiring.rejected = std::move(*rejected);
  return expiring;
}

Result<void> Expiry::remove(Expiring& expiring, std::optional<Error>& kept) const {
  const auto stays = [&kept](const Result<void>& removed) {
    if (!removed && !kept)
      kept = removed.error();
    return !removed;
  };
  // The receipt goes last: while it is there, it says what the file was.
  std::erase_if(expiring.done, [&](const Ledger::Expired& file) {
    const EndPaths paths(layout_, file.name);
    return stays(remove_both(files_, paths.done(), paths.receipt()));
  });
  std::erase_if(expiring.rejected, [&](const Ledger::Expired& file) {
    const EndPaths paths(layout_, file.name);
    return stays(file.refused ? remove_both(files_, paths.refused(), paths.refusal())
                              : files_.remove(paths.rejects()));
  });
  // Without this a crash could bring a file back that no ledger row tells of.
  Result<void> synced;
  if (!expiring.done.empty())
    synced = files_.sync(layout_.done());
  if (synced && !expiring.rejected.empty())
    synced = files_.sync(layout_.rejected());
  return synced;
}

Result<void> Expiry::commit(Ledger& ledger, const Expiring& expiring) {
  for (const auto& file : expiring.done) {
    auto gone = ledger.not_kept(file.number, Ledger::Kept::done);
    if (!gone)
      return gone;
  }
  for (const auto& file : expiring.rejected) {
    auto gone = ledger.not_kept(file.number, Ledger::Kept::rejected);
    if (!gone)
      return gone;
  }
  return {};
}

}  // namespace usherd
