#pragma once

#include "tests/fakes/mem_files.hpp"
#include "usherd/batch/body_reader.hpp"
#include "usherd/batch/manifest_builder.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// A failed check of a result shows its error.
template <class T>
struct doctest::StringMaker<boost::system::result<T, usherd::Error>> {
  static String convert(const boost::system::result<T, usherd::Error>& result) {
    return result.has_value() ? "a value" : ("error: " + result.error().message).c_str();
  }
};

namespace usherd::test {

/// Files of lines in memory as working/ holds them, and where each line stands.
class SpoolText {
 public:
  static constexpr const char* kMerged = "/working/merged";

  SpoolText() {
    disk.make_directory("/working");
    paths.merged = kMerged;
  }

  /// The lines of file `number`; its slot is its place in the order of adding.
  void add(FileNumber number, std::vector<std::string> lines, std::string_view newline = "\n") {
    const auto path = "/working/" + std::to_string(number);
    std::string text;
    const auto slot = static_cast<std::uint32_t>(numbers.size());
    numbers.push_back(number);
    auto& placed = records.emplace_back();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      // A carriage return belongs to the line: only the newline parts records.
      const auto line = lines[i] + std::string(newline.substr(0, newline.size() - 1));
      QueuedRecord record;
      record.file = slot;
      record.record.user = number * 1000 + i + 1;
      record.record.offset = text.size();
      record.record.line = i + 1;
      record.record.length = static_cast<std::uint32_t>(line.size());
      placed.push_back(record);
      text += line + '\n';
    }
    text.pop_back();
    disk.put(path, text);
    paths.files.put(number, path);
  }

  [[nodiscard]] std::string line(const QueuedRecord& record) const {
    return disk.content(*paths.files.find(numbers[record.file]))
        .substr(record.record.offset, record.record.length);
  }

  fakes::MemFiles disk;
  BodyPaths paths;
  std::vector<FileNumber> numbers;
  std::vector<std::vector<QueuedRecord>> records;  ///< by slot
};

[[nodiscard]] inline PackedRecords packed(const std::vector<QueuedRecord>& records) {
  PackedRecords out;
  for (const auto& queued : records)
    out.add(queued.record, queued.file);
  return out;
}

/// The draft of a batch of these records.
[[nodiscard]] inline DraftBatch draft_of(const std::vector<QueuedRecord>& records,
                                         const std::vector<MergedRecord>& merged,
                                         const std::vector<FileNumber>& numbers) {
  auto columns = packed(records);
  return build_manifest(columns, merged, numbers);
}

/// What a body should be, said the plain way.
[[nodiscard]] inline std::string framed(const std::vector<std::string>& records) {
  std::string body = "{\"requests\":[";
  for (std::size_t i = 0; i < records.size(); ++i)
    body += (i == 0 ? "" : ",") + records[i];
  return body + "]}";
}

/// The whole body, read through a buffer of `size` bytes; an error's message in brackets.
[[nodiscard]] inline std::string read_body(Files& disk, const Manifest& manifest, const BodyPaths& paths,
                                           std::size_t size) {
  const auto encoded = manifest.encode();
  BodyReader reader(disk, encoded, paths);
  std::string body;
  std::vector<char> buffer(size);
  while (true) {
    const auto got = reader.read(buffer);
    if (!got)
      return "[" + got.error().message + "]";
    if (*got == 0)
      return body;
    body.append(buffer.data(), *got);
  }
}

}  // namespace usherd::test
