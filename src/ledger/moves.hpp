#pragma once

#include "src/ledger/database.hpp"
#include "usherd/ledger/rows.hpp"

#include <string_view>

namespace usherd {

[[nodiscard]] std::string_view name_of(FileState state);
[[nodiscard]] std::string_view name_of(BatchState state);

/// What an update of a file's or a batch's row came to: the error of the update, or Errc::corrupt where it
/// changed no row, because the move is not legal from where the row stands. `move` says what was tried:
/// "accept batch 7".
[[nodiscard]] Result<void> file_moved(Database& database, const Result<std::uint64_t>& changed,
                                      FileNumber number, std::string_view move);
[[nodiscard]] Result<void> batch_moved(Database& database, const Result<std::uint64_t>& changed, BatchId id,
                                       std::string_view move);

/// The highest number ever given to a file.
inline constexpr std::string_view kFileCounter = "last_file";
/// The highest number of a file that was forgotten.
inline constexpr std::string_view kForgottenCounter = "last_forgotten_file";

/// A counter that only grows: the highest number ever given, whatever was forgotten since.
[[nodiscard]] Result<std::uint64_t> counter(Database& database, std::string_view name);
[[nodiscard]] Result<void> raise_counter(Database& database, std::string_view name, std::uint64_t value);

}  // namespace usherd
