#pragma once

namespace usherd {

/// Opens /dev/null in place of those of stdin, stdout and stderr that are missing: else the next file that is
/// opened, as a lock or the ledger, would become one of them, and what is printed would land in it. Results
/// that nobody takes stay a failure: it is opened so that reading stdin and writing stdout fail. Call it
/// before anything is opened.
void open_missing_streams();

}  // namespace usherd
