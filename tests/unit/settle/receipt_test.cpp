#include "usherd/settle/receipt.hpp"

#include "tests/unit/ledger/scratch.hpp"

namespace usherd::test {
namespace {

/// Keeps what was written.
class Paper final : public WriteFile {
 public:
  Result<void> append(std::string_view bytes) override {
    text += bytes;
    ++writes;
    return {};
  }
  Result<void> sync() override { return {}; }

  std::string text;
  std::size_t writes = 0;
};

Receipt sample() {
  Receipt receipt;
  receipt.file = "a.ndjson";
  receipt.original = "a.ndjson";
  receipt.sequence = 9;
  receipt.accepted = wall(1764000000123);
  receipt.finished = wall(1764000001000);
  receipt.bytes = 4000;
  receipt.records = 10;
  receipt.outcomes = {5, 2, 1, 2, 3};
  return receipt;
}

}  // namespace

TEST_CASE("a receipt of a file without batches holds every count") {
  Paper paper;
  ReceiptWriter writer(paper);
  REQUIRE(writer.begin(sample()));
  REQUIRE(writer.end());
  CHECK(paper.text ==
        R"({"file":"a.ndjson","sequence":9,"accepted":"2025-11-24T16:00:00.123Z",)"
        R"("finished":"2025-11-24T16:00:01.000Z","bytes":4000,"records":10,"imported":5,"rejected":2,)"
        R"("merged":1,"unknown":2,"rekeyed":3,"batches":[]})"
        "\n");
}

TEST_CASE("a receipt lists its batches, with null for what never was") {
  Paper paper;
  ReceiptWriter writer(paper);
  auto receipt = sample();
  receipt.original = "a \xFF.ndjson";
  receipt.tail = "a~tail.ndjson";
  REQUIRE(writer.begin(receipt));
  ReceiptBatch batch;
  batch.batch = 4;
  batch.share.records = 3;
  batch.share.outcomes = {1, 1, 0, 1, 0};
  REQUIRE(writer.add(batch));
  batch.job = "j\"";
  batch.submitted = wall(1764000000200);
  batch.finished = wall(1764000000300);
  REQUIRE(writer.add(batch));
  REQUIRE(writer.end());
  CHECK(paper.text.find(
            "\"rekeyed\":3,\"original\":\"a \xEF\xBF\xBD.ndjson\",\"tail\":\"a~tail.ndjson\",\"batches\":[\n"
            R"({"batch":4,"job":null,"records":3,"imported":1,"rejected":1,"unknown":1,)"
            R"("submitted":null,"finished":null},)"
            "\n"
            R"({"batch":4,"job":"j\"","records":3,"imported":1,"rejected":1,"unknown":1,)"
            R"("submitted":"2025-11-24T16:00:00.200Z","finished":"2025-11-24T16:00:00.300Z"}]})"
            "\n") != std::string::npos);
}

TEST_CASE("a receipt of twenty thousand batches is written in pieces") {
  Paper paper;
  ReceiptWriter writer(paper);
  REQUIRE(writer.begin(sample()));
  ReceiptBatch batch;
  batch.job = "an opaque job id";
  for (batch.batch = 1; batch.batch <= 20'000; ++batch.batch)
    REQUIRE(writer.add(batch));
  REQUIRE(writer.end());
  CHECK(paper.writes > 20);
  CHECK(paper.writes < 200);
  CHECK(paper.text.ends_with("}]}\n"));
}

TEST_CASE("a refusal names the file, its size and the reason") {
  auto file = sample_file(7);
  file.refusal_code = "not_utf8";
  file.refusal_message = "byte 3 \"x\"";
  CHECK(refusal_text(file, wall(1764000001000)) ==
        R"({"file":"users~7.ndjson","sequence":7,"accepted":"2025-11-24T16:00:00.123Z",)"
        R"("refused":"2025-11-24T16:00:01.000Z","bytes":1000,"code":"not_utf8","message":"byte 3 \"x\"",)"
        R"("original":"users.ndjson"})"
        "\n");
}

}  // namespace usherd::test
