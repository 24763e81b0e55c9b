#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

// Stands in for libFuzzer: runs every file of the directories it is given, its heads, and damaged copies of
// it.

using namespace std::string_view_literals;

namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::string damaged(std::string input, std::mt19937& random) {
  static constexpr std::string_view kBytes = "{}[]\",:\\\n\r \0\x80u0e-.tn"sv;
  for (auto changes = 1 + random() % 4; changes > 0 && !input.empty(); --changes) {
    const auto at = random() % input.size();
    switch (random() % 4) {
      case 0:
        input[at] = static_cast<char>(random());
        break;
      case 1:
        input[at] = kBytes[random() % kBytes.size()];
        break;
      case 2:
        input.erase(at, 1 + random() % 4);
        break;
      default:
        input.insert(at, input.substr(random() % input.size(), random() % 20));
    }
  }
  return input;
}

void run_with_relatives(const std::string& input) {
  run(input);
  const auto step = std::max<std::size_t>(1, input.size() / 64);
  for (std::size_t length = 0; length < input.size(); length += step)
    run(input.substr(0, length));
  std::mt19937 random(static_cast<unsigned>(input.size()));
  for (int round = 0; round < 300; ++round)
    run(damaged(input, random));
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i]))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    run_with_relatives({std::istreambuf_iterator<char>(file), {}});
  }
  std::printf("%zu corpus files\n", files.size());
  return files.empty() ? 1 : 0;
}
