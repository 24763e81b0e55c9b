#pragma once

#include "src/spool/orphans.hpp"
#include "tests/unit/settle/spool_bench.hpp"

namespace usherd::test {

inline const std::vector<FileNumber> kAll{1, 2, 3};

/// A file with rejects of every kind, one refused whole, and a converted one without rejects; all at their
/// end.
struct EndedBench : SpoolBench {
  EndedBench() {
    add_file_with_rejects();
    accept(2, "b.bin", "\x7F\x45");
    accept(3, "c.csv", "uid\nx\n");
    write_file(layout.records(3), "{\"uid\":\"x\"}\n");
    write_file(layout.origins(3), std::string(24, '\0'));
    REQUIRE(ledger.commit(
        [](Ledger& changed) { return changed.file_refused(2, "unknown_format", "what is this?"); }));
    REQUIRE(ledger.commit([](Ledger& changed) { return changed.file_ready(3, true, 13); }));
    REQUIRE(ledger.commit([](Ledger& changed) { return changed.move_mark(3, {13, 2, 0, 0, 0}); }));
  }

  /// Ten records: two refused here, five in batch 1 of which one was rejected, three in batch 2, one unknown.
  void add_file_with_rejects() {
    accept(1, "a.ndjson", std::string(300, 'a'));
    REQUIRE(ledger.commit([](Ledger& changed) { return changed.file_ready(1, false, 300); }));
    REQUIRE(ledger.commit([](Ledger& changed) { return changed.move_mark(1, {300, 11, 10, 2, 14}); }));
    end_batch_with(1, 5, {4, 1, 0, 0, 0});
    end_batch_with(2, 3, {1, 0, 1, 1, 3});
    write_file(layout.local_rejects(1), "local1\nlocal2\nwritten after the mark\n");
    write_file(layout.batch_rejects(1, 1), "batch1\n");
    write_file(layout.batch_rejects(1, 2), "batch2\n");
  }
  void end_batch_with(BatchId id, std::uint64_t records, const Outcomes& outcomes) {
    Share share = share_of(1, records, 100);
    REQUIRE(ledger.commit([&](Ledger& changed) {
      return changed.insert_batch(sample_batch(id), {&share, 1});
    }));
    share.outcomes = outcomes;
    share.has_rejects = outcomes.rejected + outcomes.unknown > 0;
    REQUIRE(ledger.commit([&](Ledger& changed) {
      return changed.batch_ended(id, {&share, 1}, wall(50), nullptr, {});
    }));
  }

  std::vector<std::uint64_t> late;  ///< what came too late for the tails of the last group

  /// What the daemon does with a group; stops at the first failure, as a crash would.
  Result<void> settle(const std::vector<FileNumber>& numbers) { return settle(numbers, settlement); }
  Result<void> settle(const std::vector<FileNumber>& numbers, const Settlement& by) {
    std::vector<Ending> group;
    for (const auto number : numbers) {
      auto ending = Settlement::gather(*ledger.ledger, number, wall(1764000001000));
      if (!ending)
        return ending.error();
      auto copied = by.find_tail(*ending);
      if (!copied)
        return copied;
      auto named = by.name_tails(*ledger.ledger, {&*ending, 1});
      if (!named)
        return named;
      auto prepared = by.prepare(*ending);
      if (!prepared)
        return prepared;
      group.push_back(std::move(*ending));
    }
    for (auto& published : by.publish(group)) {
      if (!published)
        return published;
    }
    auto committed = files.effect(
        [&] { return ledger.commit([&](Ledger& changed) { return Settlement::commit(changed, group); }); });
    if (!committed)
      return committed;
    late.clear();
    for (const auto& ending : group) {
      const auto left = by.left_behind(ending);
      late.push_back(left ? *left : 0);
      auto cleaned = by.clean(ending);
      if (!cleaned)
        return cleaned;
    }
    return {};
  }

  /// What the daemon does after a crash.
  Result<void> restart() {
    files.die_at(0, false);
    return restart(settlement, files);
  }
  Result<void> restart(const Settlement& by, Files& on) {
    std::vector<FileNumber> open;
    for (const auto& file : ledger->open_files(0, 10).value())
      open.push_back(file.number);
    auto settled = settle(open, by);
    if (!settled)
      return settled;
    const auto swept = remove_leftovers(on, layout, *ledger.ledger, ledger->last_batch_id().value());
    return swept ? Result<void>{} : Result<void>(swept.error());
  }

  Result<Ending> gather(FileNumber number) { return Settlement::gather(*ledger.ledger, number, wall(5)); }
};

}  // namespace usherd::test
