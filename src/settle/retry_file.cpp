#include "src/settle/retry_file.hpp"

#include "usherd/spool/drop.hpp"
#include "usherd/spool/file_name.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>

namespace usherd {

Result<std::string> RetryFile::free_name(const std::string& name) {
  auto free = name;
  for (std::uint64_t number = 2;; ++number) {
    const auto taken = ledger_.file_named(free);
    if (!taken)
      return taken.error();
    if (!*taken)
      return free;
    free = numbered_name(name, number);
  }
}

Result<std::string> RetryFile::drop(const std::string& name, const Check& may_go) {
  const auto free = free_name(name);
  if (!free)
    return free.error();
  const auto& chosen = choice_.chosen();
  std::size_t next = 0;
  std::string line;
  std::size_t given = 0;
  const DropSource source = [&](std::span<char> into) -> Result<std::size_t> {
    if (given == line.size()) {
      if (next == chosen.size()) {
        const auto may = may_go();
        return may ? Result<std::size_t>{std::size_t{0}} : may.error();
      }
      const auto& candidate = chosen[next++];
      auto reject = rejects_.at(choice_.name(candidate), candidate.at, candidate.length);
      if (!reject)
        return reject.error();
      line = std::move(reject->record);
      line += '\n';
      given = 0;
    }
    const auto count = std::min(into.size(), line.size() - given);
    std::copy_n(line.data() + given, count, into.data());
    given += count;
    return count;
  };
  return usherd::drop(files_, layout_, *free, source);
}

Result<void> RetryFile::mark_originals(const std::string& as) {
  std::map<std::string_view, std::unordered_map<std::uint64_t, std::uint64_t>> lines;
  std::uint64_t line = 0;
  for (const auto& candidate : choice_.chosen())
    lines[choice_.name(candidate)][candidate.at] = ++line;
  for (const auto& [name, marked] : lines) {
    const auto edit = [&marked = marked, &as](const StoredReject& reject) {
      const auto at = marked.find(reject.at);
      return at == marked.end() ? RejectEdit{} : RejectEdit{RejectEdit::Kind::mark, as, at->second};
    };
    if (auto written = rejects_.rewrite(std::string(name), edit); !written)
      return written;
  }
  return {};
}

}  // namespace usherd
