#include "usherd/validate/block_reader.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

// What checking costs beside bare parsing: CPU seconds for a million records of about 243 bytes, best of
// several.

namespace {

using namespace usherd;

class TextFile : public ReadFile {
 public:
  explicit TextFile(std::string_view text) : text_(text) {}
  Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) override {
    const auto piece = text_.substr(std::min<std::size_t>(offset, text_.size()), into.size());
    std::memcpy(into.data(), piece.data(), piece.size());
    return piece.size();
  }
  Result<std::uint64_t> size() override { return text_.size(); }

 private:
  std::string_view text_;
};

std::string make_records(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += fmt::format(
        R"({{"uid":"user-{:09}","display_name":"Person {}","email":"person.{}@example.com","properties":{{"plan":"{}",)"
        R"("seats":{},"balance":{}.25,"active":{},"city":"Castrop-Rauxel","tags":["a{}","b"],"last_seen":"2026-11-{:02}T08:30:00Z"}}}})"
        "\n",
        i, i % 9973, i, i % 3 == 0 ? "enterprise" : "basic", i % 500, i % 100000, i % 2 == 0, i % 17,
        1 + i % 28);
  }
  return text;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

template <class Work>
void measure(const char* name, Work work) {
  double best = 1e9;
  std::uint64_t result = 0;
  for (int round = 0; round < 7; ++round) {
    const auto start = cpu_seconds();
    result = work();
    best = std::min(best, cpu_seconds() - start);
  }
  fmt::print("{:<40} {:.3f} CPU s   ({})\n", name, best, result);
}

std::uint64_t scan_lines(std::string_view text) {
  std::uint64_t lines = 0;
  for (std::size_t at = 0; at < text.size(); ++lines)
    at = text.find('\n', at) + 1;
  return lines;
}

std::uint64_t parse_lines(std::string_view text) {
  simdjson::dom::parser parser;
  std::uint64_t good = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    good += parser.parse(text.data() + at, end - at, false).error() == simdjson::SUCCESS ? 1 : 0;
    at = end + 1;
  }
  return good;
}

std::uint64_t read_blocks(BlockReader& reader, CheckedBlock& block, std::string_view text) {
  TextFile file(text);
  std::uint64_t sum = 0;
  std::uint64_t offset = 0;
  std::uint64_t line = 1;
  do {
    if (!reader.read(file, offset, line, text.size(), block))
      return 0;
    sum += block.records.size();
    offset = block.next_offset;
    line = block.next_line;
  } while (!block.end);
  return sum;
}

}  // namespace

int main() {
  auto storage = make_records(1'000'000);
  const auto length = storage.size();
  storage.resize(length + simdjson::SIMDJSON_PADDING);
  const std::string_view text(storage.data(), length);
  fmt::print("{} bytes a record\n", length / 1'000'000);
  const std::array<std::byte, UserKeys::kSecretBytes> secret{std::byte{7}};
  const UserKeys keys{secret};
  BlockReader reader({}, keys);
  CheckedBlock block;
  measure("newline scan", [&] { return scan_lines(text); });
  measure("newline scan, simdjson DOM", [&] { return parse_lines(text); });
  measure("BlockReader: copy, scan, tokens, rules, hash, sum",
          [&] { return read_blocks(reader, block, text); });
}
