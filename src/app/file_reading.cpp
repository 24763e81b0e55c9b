#include "usherd/app/file_reading.hpp"

#include "usherd/core/text.hpp"
#include "usherd/validate/cut_file.hpp"

#include <algorithm>
#include <utility>

namespace usherd {
FileReading::FileReading(Parts parts, SpoolFile file)
    : parts_(std::move(parts)),
      file_(std::move(file)),
      rejects_(parts_.disk, parts_.layout, file_, file_.mark.local_length) {}

Result<void> FileReading::read_now(const Stretch& stretch, Piece& piece) {
  if (source_ == nullptr) {
    auto opened = parts_.disk.open(parts_.layout.readable(file_));
    if (!opened)
      return opened.error();
    source_ = std::move(*opened);
  }
  auto& reader = parts_.reader;
  auto& block = piece.block;
  const auto& at = stretch.at;
  auto read = reader.read(*source_, at.offset, at.line, stretch.limit, block);
  if (!read && read.error().code == Errc::corrupt)
    read = read_cut_file(reader, *source_, at.offset, at.line, stretch.limit, block);
  if (!read)
    return read.error();
  // What goes wrong behind the first block is told when it is the first.
  for (int more = 1; more < kBlocksAtOnce && !block.end && !block.is_full(); ++more) {
    if (!reader.read_on(*source_, stretch.limit, block))
      break;
  }
  if (auto appended = rejects_.append(*source_, block.rejections); !appended)
    return appended;
  piece.after = at;
  piece.after.offset = block.next_offset;
  piece.after.line = block.next_line;
  piece.after.records += block.lines;
  const auto lost = std::count_if(block.rejections.begin(), block.rejections.end(),
                                  [](const Rejection& rejection) { return rejection.lost; });
  piece.after.local_unknown += static_cast<std::uint64_t>(lost);
  piece.after.local_rejected += block.rejections.size() - static_cast<std::uint64_t>(lost);
  piece.after.local_length = rejects_.length();
  return {};
}

boost::asio::awaitable<FileReading::End> FileReading::read(Stretch stretch, Piece& piece) {
  while (true) {
    auto work = [this, &stretch, &piece] { return read_now(stretch, piece); };
    const auto read = co_await parts_.workers.run(std::move(work));
    if (read) {
      if (!piece.block.rejections.empty())
        unsynced_.push_back({stretch.at, piece.after.offset});
      parts_.recorder.note_moving(printable(file_.name));
      co_return End::read;
    }
    if (is_gone(read.error())) {
      error_ = read.error();
      co_return End::unreadable;
    }
    // What was accepted later waits for it, as it may hold newer data of the same users.
    const bool again =
        co_await parts_.recorder.wait_for_one(printable(file_.name), read.error(), Purpose::begin);
    if (!again)
      co_return End::stopping;
  }
}

Result<void> FileReading::reject_again(std::uint64_t length) {
  rejects_.forget_unsynced();
  Piece piece;
  for (auto stretch : unsynced_) {
    while (stretch.at.offset < stretch.limit) {
      if (auto read = read_now(stretch, piece); !read)
        return read;
      stretch.at = piece.after;
    }
  }
  if (rejects_.length() == length)
    return {};
  // As where the disk gives nothing for now: this file alone waits.
  return Error{Errc::io,
               "other lines are rejected than before, so the file was changed after it was accepted: restart "
               "usherd, which reads it anew"};
}

boost::asio::awaitable<bool> FileReading::sync() {
  const auto length = rejects_.length();
  bool again = false;
  while (true) {
    auto work = [this, again, length]() -> Result<void> {
      if (again) {
        if (auto rejected = reject_again(length); !rejected)
          return rejected;
      }
      return rejects_.sync();
    };
    const auto synced = co_await parts_.workers.run(std::move(work));
    if (synced) {
      unsynced_.clear();
      parts_.recorder.note_moving(printable(file_.name));
      co_return true;
    }
    again = co_await parts_.recorder.wait_for_one(printable(file_.name), synced.error(), Purpose::begin);
    if (!again)
      co_return false;
  }
}

}  // namespace usherd
