#include "usherd/settle/expiry.hpp"

#include "src/settle/end_paths.hpp"

namespace usherd {
namespace {

Result<void> remove_both(Files& files, const std::string& first, const std::string& second) {
  auto removed = files.remove(first);
  return removed ? files.remove(second) : removed;
}

}  // namespace

Result<Expiring> Expiry::gather(Ledger& ledger, WallTime now, KeepTimes keep, std::size_t most) {
  auto done = ledger.kept_before(Ledger::Kept::done, now - keep.done, most);
  if (!done)
    return done.error();
  auto rejected = ledger.kept_before(Ledger::Kept::rejected, now - keep.rejected, most);
  if (!rejected)
    return rejected.error();
  Expiring expiring;
  expiring.done = std::move(*done);
  expiring.rejected = std::move(*rejected);
  return expiring;
}

Result<void> Expiry::remove(const Expiring& expiring) const {
  // The receipt goes last: while it is there, it says what the file was.
  for (const auto& file : expiring.done) {
    const EndPaths paths(layout_, file.name);
    auto removed = remove_both(files_, paths.done(), paths.receipt());
    if (!removed)
      return removed;
  }
  for (const auto& file : expiring.rejected) {
    const EndPaths paths(layout_, file.name);
    auto removed =
        file.refused ? remove_both(files_, paths.refused(), paths.refusal()) : files_.remove(paths.rejects());
    if (!removed)
      return removed;
  }
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
