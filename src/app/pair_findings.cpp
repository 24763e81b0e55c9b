#include "src/app/pair_findings.hpp"

#include "usherd/core/text.hpp"

#include <utility>

namespace usherd {

Finding damaged_state(const Error& error, std::string remedy) {
  Finding finding;
  finding.kind = FindingKind::damaged_ledger;
  finding.what = printable(error.message, 1000);
  finding.advice =
      "put back a copy of the state directory that was made together with the spool. Without one, move "
      "ledger.sqlite and what stands beside it away and run doctor again: what working/ holds is then "
      "accepted anew, "
      "and records that were sent already may be sent a second time";
  finding.remedy = std::move(remedy);
  return finding;
}

Finding apart(std::string what, bool can) {
  Finding finding;
  finding.kind = FindingKind::not_together;
  finding.what = std::move(what);
  finding.advice = "put back the spool and the state that belong together";
  finding.remedy =
      can ? "makes them a pair: what the ledger does not know in working/ is accepted anew at the next "
            "start, and may be sent a second time"
          : "";
  return finding;
}

}  // namespace usherd
