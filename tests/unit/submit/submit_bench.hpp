#pragma once

#include "tests/fakes/inline_workers.hpp"
#include "tests/fakes/mem_files.hpp"
#include "tests/unit/submit/api_bench.hpp"

#include "usherd/batch/body_digest.hpp"
#include "usherd/submit/submitter.hpp"
#include "usherd/validate/record.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

namespace usherd::test {

/// A Submitter with a ledger on disk, files in memory and a scripted server; batches of as many records as a
/// test asks for, each with its place in the budget.
struct SubmitBench {
  SubmitBench() {
    disk.make_directory("/spool/working");
    std::string lines;
    for (int i = 0; i < 10; ++i)
      lines += fmt::format("{{\"uid\":\"u{}\"}}\n", i);
    auto file = sample_file(1);
    file.read_size = lines.size();
    disk.put("/spool/working/" + file.working, lines);
    files.open(file);
    REQUIRE(ledger.commit([](Ledger& open) { return add_ready_file(open, 1); }));
  }
  SubmitBench(const SubmitBench&) = delete;
  SubmitBench& operator=(const SubmitBench&) = delete;
  ~SubmitBench() {
    recorder.stop();
    bench.close();
  }

  static constexpr std::uint64_t kLine = 13;  ///< {"uid":"u0"} and its newline

  LedgerBench ledger;
  ApiBench bench;
  fakes::MemFiles disk;
  fakes::InlineWorkers workers{bench.loop.context};
  OpenFiles files{SpoolLayout("/spool")};
  GroupCommit commit{*ledger.ledger, fakes::InlineWorkers(bench.loop.context)};
  Recorder recorder{commit, bench.gate, bench.loop.timers, *bench.log};
  InProgressBudget budget{90, 450'000};
  BudgetRecovery recovery{budget, bench.loop.timers};
  Random random{7};
  Submitter submitter{Submitter::Parts{bench.api, recorder, budget, recovery, files, disk, workers,
                                       bench.loop.timers, random, *bench.log, "boot-1"}};
  BatchId last_id = 0;
  std::vector<std::unique_ptr<ActiveBatch>> batches;

  /// A frozen batch of `records` records, in the ledger and counted in. The bench keeps it: coroutines may
  /// refer to it to the end.
  ActiveBatch* batch(std::uint32_t records) {
    auto* out = batches.emplace_back(std::make_unique<ActiveBatch>()).get();
    auto& row = out->row;
    row.id = ++last_id;
    row.key = random.uuid();
    row.manifest.runs = {{1, 0, records * kLine - 1, 1, records}};
    for (std::uint64_t i = 0; i < records; ++i)
      row.users.push_back(i + 1);
    std::string body = "{\"requests\":[";
    BodyDigest digest;
    for (std::uint64_t i = 0; i < records; ++i) {
      const auto record = fmt::format("{{\"uid\":\"u{}\"}}", i);
      body += (i == 0 ? "" : ",") + record;
      digest.add(record_sum(record));
    }
    body += "]}";
    row.body_length = body.size();
    row.digest = digest.value();
    out->shares = {share_of(1, records, records * kLine)};
    out->tried = true;
    REQUIRE(ledger.commit([&](Ledger& open) { return open.insert_batch(row, out->shares); }));
    budget.take(records);
    out->has_place = out->is_posting = true;
    return out;
  }
  std::shared_ptr<Pending<SubmitResult>> submit(ActiveBatch& active) {
    return bench.loop.start(submitter.submit(active, {}));
  }
  [[nodiscard]] BatchRow stored(BatchId id) {
    BatchRow found;
    REQUIRE(ledger->open_batches([&](BatchRow row) -> Result<void> {
      if (row.id == id)
        found = std::move(row);
      return {};
    }));
    return found;
  }
  void answer(fakes::ScriptedTransport::Handler handler) { bench.transport.handle(std::move(handler)); }
  void answer_always(const Exchange& exchange) {
    answer([exchange](const Request&, const std::string&) { return exchange; });
  }
  /// Another batch passes.
  void let_one_pass() {
    auto* other = batch(1);
    bench.transport.push(
        fakes::answered(200, fmt::format(R"({{"job":{{"id":"other-{}"}}}})", other->row.id)));
    const auto done = submit(*other);
    bench.loop.pass(std::chrono::minutes{2});
    REQUIRE(done->value);
    budget.give_back(1);
  }
  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> seen;
    for (const auto& request : bench.transport.requests()) {
      if (request.method == Method::post)
        seen.push_back(request.header("Idempotency-Key"));
    }
    return seen;
  }
};

inline Exchange job(const std::string& id) {
  return fakes::answered(200, "{\"job\":{\"id\":\"" + id + "\",\"status\":\"PROCESSING\"}}");
}
inline Exchange api_error(unsigned status, const std::string& code = "invalid_argument") {
  return fakes::answered(status, "{\"message\":\"in the API's words\",\"code\":\"" + code + "\"}");
}

}  // namespace usherd::test
