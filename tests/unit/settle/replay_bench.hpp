#pragma once

#include "tests/fakes/mem_files.hpp"
#include "tests/unit/ledger/scratch.hpp"
#include "usherd/ledger/ledger_reader.hpp"
#include "usherd/settle/replay.hpp"
#include "usherd/settle/user_history.hpp"
#include "usherd/spool/origin.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::test {

/// A spool in memory beside a ledger on disk, with what UserHistory and Replay look at: files f1.ndjson,
/// f2.ndjson, ..., batches of them, and reject lines.
struct ReplayBench {
  LedgerBench ledger;
  fakes::MemFiles disk;
  SpoolLayout layout{"/s"};
  UserKeys keys{secret()};
  std::map<FileNumber, std::vector<std::string>> lines;
  std::map<BatchId, std::pair<FileNumber, std::uint64_t>> batches;
  std::map<FileNumber, std::string> reject_lines;
  Unsearched unsearched;  ///< by the last history

  ReplayBench() {
    disk.make_directory("/s");
    for (const auto& folder : {layout.incoming(), layout.working(), layout.done(), layout.rejected()})
      disk.make_directory(folder);
  }

  static std::array<std::byte, UserKeys::kSecretBytes> secret() {
    std::array<std::byte, UserKeys::kSecretBytes> bytes{};
    bytes.fill(std::byte{7});
    return bytes;
  }
  std::map<FileNumber, std::string> names;  ///< where it is not the usual one
  [[nodiscard]] std::string name(FileNumber number) const {
    const auto other = names.find(number);
    return other == names.end() ? fmt::format("f{}.ndjson", number) : other->second;
  }

  /// An accepted file, of which so many lines stand before the mark. One that is named .json was converted,
  /// all of it from its first line.
  void file(FileNumber number, std::vector<std::string> content, std::size_t read) {
    std::string bytes;
    SpoolFile row = sample_file(number);
    row.name = row.original = name(number);
    row.working = SpoolLayout::working_name(number, row.name);
    ReadMark mark;
    for (std::size_t i = 0; i < content.size(); ++i) {
      bytes += content[i] + "\n";
      if (i + 1 == read)
        mark = {bytes.size(), read + 1, read, 0, 0};
    }
    row.size = bytes.size();
    row.converted = row.name.ends_with(".json");
    disk.put(layout.readable(row), bytes);
    if (row.converted)
      disk.put(layout.origins(number), one_line_origins(content.size()));
    lines[number] = std::move(content);
    REQUIRE(ledger.commit([&](Ledger& open) -> Result<void> {
      if (auto added = open.insert_file(row); !added)
        return added;
      if (auto ready = open.file_ready(number, row.converted, row.size); !ready)
        return ready;
      return read == 0 ? Result<void>{} : open.move_mark(number, mark);
    }));
  }

  void unconverted(FileNumber number) {
    SpoolFile row = sample_file(number);
    row.name = row.original = name(number);
    REQUIRE(ledger.commit([&](Ledger& open) { return open.insert_file(row); }));
  }

  /// What a retry dropped, accepted and frozen as one batch of these users.
  void accept_retry(FileNumber number, BatchId id, const std::string& as,
                    const std::vector<std::string>& users) {
    const auto path = layout.incoming() + "/" + as;
    const auto content = std::string(disk.content(path));
    REQUIRE(disk.remove(path));
    std::vector<std::string> records;
    for (std::size_t at = 0, end = 0; (end = content.find('\n', at)) != std::string::npos; at = end + 1)
      records.push_back(content.substr(at, end - at));
    REQUIRE(records.size() == users.size());
    names[number] = as;
    file(number, records, records.size());
    batch(id, number, 1, users);
  }

  /// A frozen batch of neighbouring lines with the records of these users.
  void batch(BatchId id, FileNumber file, std::uint64_t line, const std::vector<std::string>& users) {
    BatchRow row = sample_batch(id, file);
    Run run{file, 0, 0, line, static_cast<std::uint32_t>(users.size())};
    for (std::size_t i = 0; i + 1 < line + users.size(); ++i) {
      const auto length = lines[file].at(i).size() + 1;
      (i + 1 < line ? run.offset : run.length) += length;
    }
    --run.length;
    row.manifest.runs = {run};
    row.users.clear();
    for (const auto& user : users)
      row.users.push_back(keys.uid(user));
    row.seconds.clear();
    insert(row, share_of(file, users.size(), run.offset + run.length));
  }

  /// A frozen batch of one record merged of these lines of a user.
  void merged(BatchId id, FileNumber file, const std::string& user,
              const std::vector<std::uint64_t>& sources) {
    BatchRow row = sample_batch(id, file);
    row.manifest.runs.clear();
    Literal literal{0, 30, {}};
    std::uint64_t offset = 0;
    for (std::uint64_t line = 1; line <= lines[file].size(); ++line) {
      const auto length = lines[file][line - 1].size();
      if (std::find(sources.begin(), sources.end(), line) != sources.end())
        literal.sources.push_back({file, offset, length, line, 1});
      offset += length + 1;
    }
    row.manifest.literals = {literal};
    row.users = {keys.uid(user)};
    row.seconds.clear();
    insert(row, share_of(file, sources.size(), offset));
  }

  /// Everything imported but the records of so many refused users.
  void end(BatchId id, FileNumber file, const std::vector<std::string>& refused) {
    auto share = share_of(file, batches[id].second, 0);
    share.outcomes.rejected = refused.size();
    share.outcomes.imported = share.records - refused.size();
    REQUIRE(ledger.commit([&](Ledger& open) {
      return open.batch_ended(id, {&share, 1}, wall(9), nullptr, {});
    }));
  }

  /// Its merged record was refused.
  void take_apart(BatchId id, FileNumber file) {
    const auto manifest = ledger->manifest(id).value();
    const auto share = share_of(file, 0, 0);
    const Manifest nothing;
    REQUIRE(ledger.commit([&](Ledger& open) {
      return open.batch_ended(id, {&share, 1}, wall(9), &nothing, manifest.literals.at(0).sources);
    }));
  }

  void reject(FileNumber file, std::uint64_t line, Stage stage, std::string_view code,
              std::string_view record, BatchId batch) {
    const auto file_name = name(file);
    RejectLine reject;
    reject.file = file_name;
    reject.line = line;
    reject.stage = stage;
    reject.code = code;
    reject.message = "why";
    reject.batch = batch;
    reject.record = record;
    append_reject_line(reject_lines[file], reject);
    disk.put(rejects_path(file), reject_lines[file]);
  }
  [[nodiscard]] std::string rejects_path(FileNumber file) const {
    return layout.rejected() + "/" + name(file) + ".rejects.ndjson";
  }
  void forget_rejects(FileNumber file) { REQUIRE(disk.remove(rejects_path(file))); }

  [[nodiscard]] UserHistory::Story history(const std::string& user) { return histories({user}).front(); }
  [[nodiscard]] std::vector<UserHistory::Story> histories(const std::vector<std::string>& users) {
    const auto reader = LedgerReader::open(ledger.scratch.path());
    REQUIRE(reader.has_value());
    UserHistory history(**reader, disk, layout, keys);
    auto stories = history.of(users);
    REQUIRE(stories.has_value());
    unsearched = history.unsearched();
    return std::move(*stories);
  }
  [[nodiscard]] Result<ReplayReport> retry(const ReplayOrder& order = {},
                                           const std::string& as = "retry-1.ndjson") {
    const auto reader = LedgerReader::open(ledger.scratch.path());
    REQUIRE(reader.has_value());
    return Replay(**reader, disk, layout, keys).retry(order, as);
  }
  [[nodiscard]] Result<ReplayReport> drop(const ReplayOrder& order) {
    const auto reader = LedgerReader::open(ledger.scratch.path());
    REQUIRE(reader.has_value());
    return Replay(**reader, disk, layout, keys).drop(order);
  }

 private:
  static std::string one_line_origins(std::size_t count) {
    std::string origins;
    Origin origin;
    origin.line = 1;
    for (std::size_t i = 0; i < count; ++i)
      append_origin(origins, origin);
    return origins;
  }

  void insert(const BatchRow& row, const Share& share) {
    batches[row.id] = {share.file, share.records};
    REQUIRE(ledger.commit([&](Ledger& open) { return open.insert_batch(row, {&share, 1}); }));
  }
};

}  // namespace usherd::test
