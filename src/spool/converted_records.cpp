#include "src/spool/converted_records.hpp"

#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kFlush = std::size_t{256} << 10;
/// The disk writes while the rest is made.
constexpr std::uint64_t kBeginSync = std::uint64_t{1} << 20;
constexpr std::uint64_t kAskRoom = std::uint64_t{16} << 20;

}  // namespace

Result<ConvertedRecords> ConvertedRecords::make(Files& files, const SpoolLayout& layout, FileNumber number,
                                                bool origins, const ConvertLimits& limits) {
  ConvertedRecords out(limits);
  auto lines = files.write(layout.records(number), WriteMode::truncate);
  if (!lines)
    return lines.error();
  out.lines_file_ = std::move(*lines);
  if (!origins)
    return out;
  auto places = files.write(layout.origins(number), WriteMode::truncate);
  if (!places)
    return places.error();
  out.origins_file_ = std::move(*places);
  return out;
}

void ConvertedRecords::remove(Files& files, const SpoolLayout& layout, FileNumber number) {
  // What cannot be removed now is made anew by the next try, and swept at the next start.
  static_cast<void>(files.remove(layout.records(number)));
  static_cast<void>(files.remove(layout.origins(number)));
}

void ConvertedRecords::add(std::string_view line, const Origin& origin) {
  lines_.append(line);
  lines_.push_back('\n');
  append_origin(origins_, origin);
  size_ += line.size() + 1;
  if (lines_.size() >= kFlush || origins_.size() >= kFlush)
    flush();
}

void ConvertedRecords::copy(std::string_view bytes) {
  size_ += bytes.size();
  write(*lines_file_, bytes);
}

void ConvertedRecords::write(WriteFile& file, std::string_view bytes) {
  if (!status_)
    return;
  if (limits_->room && written_ - asked_ >= kAskRoom) {
    asked_ = written_;
    status_ = limits_->room();
  }
  if (status_)
    status_ = file.append(bytes);
  written_ += bytes.size();
  if (written_ - begun_ >= kBeginSync) {
    begun_ = written_;
    file.begin_sync();
  }
}

void ConvertedRecords::flush() {
  if (!lines_.empty())
    write(*lines_file_, lines_);
  if (!origins_.empty())
    write(*origins_file_, origins_);
  lines_.clear();
  origins_.clear();
}

Result<void> ConvertedRecords::finish(Files& files, const SpoolLayout& layout) {
  flush();
  if (status_)
    status_ = lines_file_->sync();
  if (status_ && origins_file_ != nullptr)
    status_ = origins_file_->sync();
  if (status_)
    status_ = files.sync(layout.working());
  return status_;
}

}  // namespace usherd
