#include "src/ledger/moves.hpp"

#include <fmt/format.h>

#include <array>

namespace usherd {
namespace {

constexpr std::array<std::string_view, 4> kFileStates{"accepted", "ready", "refused", "settled"};
constexpr std::array<std::string_view, 4> kBatchStates{"frozen", "accepted", "ended", "retired"};

Error refused_move(std::string_view move, std::string_view thing, std::uint64_t number,
                   Result<Statement> found, const std::array<std::string_view, 4>& names) {
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  if (!*row)
    return {Errc::corrupt, fmt::format("{}: there is no {} {} in the ledger", move, thing, number)};
  const auto state = found->number();
  return {Errc::corrupt, fmt::format("{}: not legal now, {} {} is {}", move, thing, number,
                                     state < names.size() ? names[state] : "in an unknown state")};
}

}  // namespace

std::string_view name_of(FileState state) {
  return kFileStates[static_cast<std::size_t>(state)];
}
std::string_view name_of(BatchState state) {
  return kBatchStates[static_cast<std::size_t>(state)];
}

Result<void> file_moved(Database& database, const Result<std::uint64_t>& changed, FileNumber number,
                        std::string_view move) {
  if (!changed)
    return changed.error().within(move);
  if (*changed != 0)
    return {};
  return refused_move(move, "file", number,
                      database.query("SELECT state FROM files WHERE number = ?", number), kFileStates);
}

Result<void> batch_moved(Database& database, const Result<std::uint64_t>& changed, BatchId id,
                         std::string_view move) {
  if (!changed)
    return changed.error().within(move);
  if (*changed != 0)
    return {};
  return refused_move(move, "batch", id, database.query("SELECT state FROM batches WHERE id = ?", id),
                      kBatchStates);
}

Result<std::uint64_t> counter(Database& database, std::string_view name) {
  auto found = database.query("SELECT value FROM counters WHERE name = ?", name);
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  return *row ? found->number() : 0;
}

Result<void> raise_counter(Database& database, std::string_view name, std::uint64_t value) {
  const auto changed = database.run(
      "INSERT INTO counters VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = max(value, "
      "excluded.value)",
      name, value);
  if (!changed)
    return changed.error();
  return {};
}

}  // namespace usherd
