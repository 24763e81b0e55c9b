#include "usherd/ledger/ledger_repair.hpp"

#include "src/ledger/database.hpp"

namespace usherd {

Result<void> rebuild_ledger_indexes(const std::string& directory) {
  auto database = Database::open(directory + "/ledger.sqlite");
  if (!database)
    return database.error();
  return (*database)->script("REINDEX");
}

}  // namespace usherd
