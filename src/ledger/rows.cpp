#include "usherd/ledger/rows.hpp"

namespace usherd {

Outcomes& Outcomes::operator+=(const Outcomes& other) {
  imported += other.imported;
  rejected += other.rejected;
  merged += other.merged;
  unknown += other.unknown;
  rekeyed += other.rekeyed;
  return *this;
}

}  // namespace usherd
