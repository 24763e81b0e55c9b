#pragma once

#include "usherd/ledger/rows.hpp"

namespace usherd {

/// How long ago a key was sent: the larger of what both clocks say, as one may have been set back, and the
/// other begins anew with each boot.
[[nodiscard]] BootClock::duration send_age(const SendTime& sent, const SendTime& now);

/// The same send time as both clocks would tell it had nobody set one of them since: as long ago as
/// send_age() says by either.
[[nodiscard]] SendTime agreed(const SendTime& sent, const SendTime& now);

}  // namespace usherd
