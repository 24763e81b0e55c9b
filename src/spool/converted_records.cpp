#include "src/spool/converted_records.hpp"

#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kFlush = std::size_t{256} << 10;

}  // namespace

Result<ConvertedRecords> ConvertedRecords::make(Files& files, const SpoolLayout& layout, FileNumber number) {
  ConvertedRecords out;
  auto lines = files.write(layout.records(number), WriteMode::truncate);
  if (!lines)
    return lines.error();
  auto origins = files.write(layout.origins(number), WriteMode::truncate);
  if (!origins)
    return origins.error();
  out.lines_file_ = std::move(*lines);
  out.origins_file_ = std::move(*origins);
  return out;
}

void ConvertedRecords::add(std::string_view line, const Origin& origin) {
  lines_.append(line);
  lines_.push_back('\n');
  append_origin(origins_, origin);
  size_ += line.size() + 1;
  if (lines_.size() >= kFlush || origins_.size() >= kFlush)
    flush();
}

void ConvertedRecords::flush() {
  if (status_)
    status_ = lines_file_->append(lines_);
  if (status_)
    status_ = origins_file_->append(origins_);
  lines_.clear();
  origins_.clear();
}

Result<void> ConvertedRecords::finish(Files& files, const SpoolLayout& layout) {
  flush();
  if (status_)
    status_ = lines_file_->sync();
  if (status_)
    status_ = origins_file_->sync();
  if (status_)
    status_ = files.sync(layout.working());
  return status_;
}

}  // namespace usherd
