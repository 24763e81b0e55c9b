#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/validate/text_file.hpp"
#include "usherd/batch/merge.hpp"

using namespace usherd;
using usherd::fuzz::require;

namespace {

/// Every line that is not blank is told of once, in order, in its place.
void check_coverage(const std::string& text, const CheckedBlock& block) {
  const auto found = block.records.all();
  std::size_t records = 0;
  std::size_t rejections = 0;
  std::uint64_t number = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    ++number;
    const auto end = std::min(text.find('\n', at), text.size());
    if (at == 0 && text.starts_with("\xEF\xBB\xBF"))
      at += 3;
    const auto line = std::string_view(text).substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      const bool good = records < found.size() && found[records].line == number;
      if (good) {
        require(found[records].offset == at && found[records].length == line.size(), "a record's place");
        ++records;
      } else {
        require(rejections < block.rejections.size(), "a line is in neither list");
        const auto& rejection = block.rejections[rejections++];
        require(rejection.line == number && rejection.offset == at && rejection.length == line.size(),
                "a rejection's place");
        require(!rejection.code.empty() && rejection.message.size() < 260, "a rejection's text");
      }
    }
    at = end + 1;
  }
  require(records == found.size() && rejections == block.rejections.size(), "lists longer than the file");
  require(block.lines == records + rejections, "the count of lines");
}

/// A block may know a good record by its tokens alone; a line by itself is always parsed and asked every
/// rule.
void check_quick_way(std::string_view line, const Record& record, BlockReader& reader) {
  Record again;
  require(!reader.check_line(line, 0, 1, &again), "a record of a block breaks a rule by itself");
  require(again.user == record.user && again.second == record.second && again.flags == record.flags &&
              again.length == record.length,
          "a record of a block is another one by itself");
}

void check_record(std::string_view line, const Record& record, const UserKeys& keys, BlockReader& reader) {
  boost::json::error_code error;
  const auto value = fuzz::parse_strictly(line, &error);
  // That parser has no room for the exponent of 0e99999999999, which is a good zero.
  if (error == boost::json::error::exponent_overflow)
    return;
  require(value && value->is_object(), "an accepted record is no JSON object to a strict parser");
  const auto& object = value->get_object();
  const auto text = [&](const char* name) -> std::optional<std::string> {
    const auto* member = object.if_contains(name);
    if (member == nullptr || !member->is_string())
      return std::nullopt;
    return std::string(member->get_string().begin(), member->get_string().end());
  };
  const auto uid = text("uid");
  const auto id = text("id");
  require(record.user == (uid ? keys.uid(*uid) : id ? keys.id(*id) : 0), "the user key");
  require(record.second == (uid && id ? keys.id(*id) : 0), "the second key");
  RecordMerger merger;
  const bool folds = merger.add(line);
  require(folds || (record.flags & kMergeable) == 0 || line.size() > kMostRecordBytes - 64,
          "a mergeable record that does not fold");
  if (folds) {
    Record again;
    require((record.flags & kMergeable) != 0, "a record folds that is not mergeable");
    require(!reader.check_line(merger.line(), 0, 1, &again), "a folded record breaks a rule");
    require(again.user == record.user && again.flags == kMergeable, "a folded record is another user's");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto keys = test_keys();
  const std::string text(reinterpret_cast<const char*>(data), size);
  TextFile file(text);
  const RecordRules rules{.accept_anonymous = size % 2 == 0};
  static BlockReader readers[] = {{{false}, keys}, {{true}, keys}};
  auto& reader = readers[size % 2 == 0 ? 1 : 0];
  const auto block = read_all(reader, file, size);
  check_coverage(text, block);
  for (const auto& record : block.records.all()) {
    const auto line = std::string_view(text).substr(record.offset, record.length);
    check_quick_way(line, record, reader);
    check_record(line, record, keys, reader);
  }
  for (const auto& rejection : block.rejections) {
    const auto line = std::string_view(text).substr(rejection.offset, rejection.length);
    const auto again = reader.check_line(line);
    require(again && again->code == rejection.code, "a rejection of a block is another one by itself");
  }

  BlockReader small(rules, keys, 1 + size % 61);
  const auto again = read_all(small, file, size);
  require(again.records.size() == block.records.size() && again.rejections.size() == block.rejections.size(),
          "the size of the blocks matters");
  const auto records = block.records.all();
  const auto records_again = again.records.all();
  for (std::size_t i = 0; i < records.size(); ++i)
    require(records_again[i].offset == records[i].offset && records_again[i].flags == records[i].flags,
            "the size of the blocks changes a record");
  for (std::size_t i = 0; i < block.rejections.size(); ++i)
    require(again.rejections[i].message == block.rejections[i].message,
            "the size of the blocks changes a rejection");
  return 0;
}
