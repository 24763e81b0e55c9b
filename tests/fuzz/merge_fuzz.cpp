#include "usherd/batch/merge.hpp"

#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/validate/text_file.hpp"

#include <map>

using namespace usherd;
using usherd::fuzz::require;

namespace {

/// A user as records leave it, the newest value of each property winning.
using State = std::map<std::string, boost::json::value>;

void update(State& state, std::string_view record) {
  const auto value = fuzz::parse_strictly(record);
  require(value && value->is_object(), "a folded record is no JSON object");
  for (const auto& member : value->get_object()) {
    if (member.key() == "properties" && member.value().is_object()) {
      for (const auto& property : member.value().get_object())
        state["properties." + std::string(property.key())] = property.value();
    } else {
      state[std::string(member.key())] = member.value();
    }
  }
}

}  // namespace

/// The input is a record a line, oldest first; lines that are no mergeable record are left out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static BlockReader reader({}, test_keys());
  std::string_view left(reinterpret_cast<const char*>(data), size);
  RecordMerger merger;
  State one_by_one;
  std::uint64_t user = 0;
  while (!left.empty()) {
    const auto line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    Record record;
    if (reader.check_line(line, 0, 1, &record)) {
      // A merger may be offered anything; what it makes of a broken record does not matter, that it survives
      // does.
      RecordMerger other;
      static_cast<void>(other.add(line));
      continue;
    }
    const auto before = merger.count() == 0 ? "" : merger.line();
    if (!merger.add(line)) {
      require(before == (merger.count() == 0 ? "" : merger.line()), "a refused record changed the merger");
      continue;
    }
    require((record.flags & kMergeable) != 0, "a record folds that is not mergeable");
    require(user == 0 || user == record.user, "two users are folded");
    user = record.user;
    update(one_by_one, line);
  }
  if (merger.count() == 0)
    return 0;
  Record merged;
  require(!reader.check_line(merger.line(), 0, 1, &merged), "the folded record breaks a rule");
  require(merged.user == user && merged.flags == kMergeable, "the folded record is another user's");
  State at_once;
  update(at_once, merger.line());
  require(at_once == one_by_one, "the folded record ends elsewhere");
  return 0;
}
