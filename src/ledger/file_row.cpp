#include "src/ledger/file_row.hpp"

#include "src/ledger/each_row.hpp"

#include <fmt/format.h>

#include <utility>

namespace usherd {
namespace {

Result<SpoolFile> read_file(Statement& row) {
  SpoolFile file;
  file.number = row.number();
  file.name = row.text();
  file.original = row.text();
  file.working = row.text();
  const auto state = row.number();
  if (state > static_cast<std::uint64_t>(FileState::settled))
    return Error{Errc::corrupt, fmt::format("file {} is in an unknown state {}", file.number, state)};
  file.state = static_cast<FileState>(state);
  file.size = row.number();
  file.modified_ns = row.integer();
  file.accepted = row.wall();
  file.converted = row.flag();
  file.read_size = row.number();
  file.mark.offset = row.number();
  file.mark.line = row.number();
  file.mark.records = row.number();
  file.mark.local_rejected = row.number();
  file.mark.local_length = row.number();
  file.mark.local_unknown = row.number();
  file.refusal_code = row.text();
  file.refusal_message = row.text();
  return file;
}

}  // namespace

Result<std::optional<SpoolFile>> one_file(Result<Statement> found) {
  if (!found)
    return found.error();
  const auto row = found->row();
  if (!row)
    return row.error();
  if (!*row)
    return std::optional<SpoolFile>{};
  auto file = read_file(*found);
  if (!file)
    return file.error();
  return std::optional<SpoolFile>{std::move(*file)};
}

Result<std::vector<SpoolFile>> all_files(Result<Statement> found) {
  return all_rows<SpoolFile>(std::move(found), read_file);
}

Result<std::vector<Run>> read_singles(Result<Statement> found) {
  return all_rows<Run>(std::move(found), [](Statement& row) {
    Run run;
    run.file = row.number();
    run.offset = row.number();
    run.length = row.number();
    run.line = row.number();
    run.records = 1;
    return run;
  });
}

}  // namespace usherd
