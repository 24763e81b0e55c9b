#include "src/app/recheck.hpp"

#include "usherd/batch/operations.hpp"

#include <algorithm>

namespace usherd {

Result<std::vector<FileNumber>> touched_files(Files& disk, const SpoolLayout& layout,
                                              const std::vector<SpoolFile>& files) {
  std::vector<FileNumber> numbers;
  for (const auto& file : files) {
    if (file.converted)
      continue;
    const auto stat = disk.stat(layout.working_file(file));
    if (!stat && !is_gone(stat.error()))
      return stat.error();
    if (!stat || stat->modified_ns != file.modified_ns)
      numbers.push_back(file.number);
  }
  return numbers;
}

Result<std::vector<bool>> recheck(Files& disk, const DraftBatch& draft, const BodyPaths& paths,
                                  const std::vector<FileNumber>& touched, BlockReader& reader) {
  auto operations = Operations::known(disk, draft.manifest, paths, draft.lengths);
  std::vector<bool> changed(operations.size(), false);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (operations.is_merged(i) ||
        std::find(touched.begin(), touched.end(), operations.run(i).file) == touched.end())
      continue;
    const auto bytes = operations.bytes_and_newline(i);
    if (!bytes && !is_gone(bytes.error()))
      return bytes.error();
    Record record;
    const auto second = draft.seconds.empty() ? 0 : draft.seconds[i];
    changed[i] = !bytes || bytes->find('\n') != std::string::npos ||
                 reader.check_line(*bytes, 0, 1, &record) || record.user != draft.users[i] ||
                 record.second != second;
  }
  return changed;
}

}  // namespace usherd
