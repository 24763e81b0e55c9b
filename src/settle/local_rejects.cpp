#include "usherd/settle/local_rejects.hpp"

#include "usherd/settle/reject_line.hpp"
#include "usherd/spool/bad_row.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/spool/origin.hpp"

#include <algorithm>

namespace usherd {
namespace {

/// Of an over-long line no more than this stands in its reject; all of it stands in the file in done/.
constexpr std::uint64_t kMostRaw = kMostRecordBytes;
/// Lines are put together up to about this.
constexpr std::size_t kPiece = std::size_t{256} << 10;

Result<std::string> read_line(ReadFile& source, const Rejection& rejection, std::uint64_t most) {
  std::string line(std::min(rejection.length, most), '\0');
  const auto got = source.read_at(line, rejection.offset);
  if (!got)
    return got.error();
  line.resize(*got);
  return line;
}

}  // namespace

LocalRejects::LocalRejects(Files& files, SpoolLayout layout, SpoolFile file, std::uint64_t keep)
    : files_(files), layout_(std::move(layout)), file_(std::move(file)), length_(keep), synced_(keep) {
  const auto format = format_of(file_.original);
  brings_reasons_ = file_.converted && format && format->format != Format::ndjson;
}

LocalRejects::~LocalRejects() = default;

Result<void> LocalRejects::append(ReadFile& source, std::vector<Rejection>& rejections) {
  if (rejections.empty())
    return {};
  if (auto opened = open(); !opened)
    return opened;
  dirty_ = true;
  const auto written = write_all(source, rejections);
  if (!written) {
    // Part of it may stand there: the next to open it cuts the file to what is known to be whole.
    out_.reset();
    return written.error();
  }
  length_ += *written;
  return {};
}

/// Gives the bytes written.
Result<std::uint64_t> LocalRejects::write_all(ReadFile& source, std::vector<Rejection>& rejections) {
  std::uint64_t written = 0;
  std::string lines;
  for (auto& rejection : rejections) {
    if (auto added = add_line(source, rejection, lines); !added)
      return added.error();
    if (lines.size() < kPiece && &rejection != &rejections.back())
      continue;
    if (auto appended = out_->append(lines); !appended)
      return appended.error();
    written += lines.size();
    lines.clear();
  }
  return written;
}

Result<void> LocalRejects::add_line(ReadFile& source, Rejection& rejection, std::string& lines) const {
  auto raw = read_line(source, rejection, brings_reasons_ ? kMostBadRowLine : kMostRaw);
  if (!raw)
    return raw.error();
  const auto origin = origin_of(files_, layout_, file_, rejection.line, rejection.offset);
  if (!origin)
    return origin.error();
  // What could not become a line of its own brings its own reason.
  const auto bad_row = brings_reasons_ ? read_bad_row(*raw) : std::nullopt;
  if (bad_row) {
    rejection.code = bad_row->code;
    rejection.lost = bad_row->code == kLostRest;
  }
  RejectLine line;
  line.file = file_.name;
  line.line = origin->line;
  line.offset = origin->offset;
  line.stage = rejection.lost ? Stage::unknown : Stage::local;
  line.code = rejection.code;
  line.message = bad_row ? bad_row->message : rejection.message;
  line.record = bad_row ? bad_row->raw : std::string_view(*raw).substr(0, kMostRaw);
  line.no_json = bad_row.has_value();
  append_reject_line(lines, line);
  return {};
}

Result<void> LocalRejects::open() {
  if (out_ != nullptr)
    return {};
  auto out = files_.write(layout_.local_rejects(file_.number), WriteMode::extend, length_);
  if (!out)
    return out.error();
  out_ = std::move(*out);
  return {};
}

Result<void> LocalRejects::sync() {
  if (!dirty_)
    return {};
  // What could not be appended may be gone from the file when it was to be tried again.
  if (auto opened = open(); !opened)
    return opened;
  if (auto synced = out_->sync(); !synced)
    return synced;
  // Only then: a folder that was not synced may forget the file.
  auto synced = files_.sync(layout_.working());
  dirty_ = !synced;
  if (synced)
    synced_ = length_;
  return synced;
}

void LocalRejects::forget_unsynced() {
  // Opened anew it is cut to this length.
  out_.reset();
  length_ = synced_;
}

}  // namespace usherd
