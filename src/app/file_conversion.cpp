#include "usherd/app/file_conversion.hpp"

#include "usherd/core/text.hpp"

#include <utility>

namespace usherd {

FileConversion::FileConversion(Parts parts) : parts_(std::move(parts)), ended_(parts_.loop) {}

void FileConversion::begin(const SpoolFile& file) {
  if (stopping_ || ahead_ || file.state != FileState::accepted)
    return;
  ahead_.emplace(Ahead{file, {}});
  parts_.tasks.spawn(go_ahead());
}

boost::asio::awaitable<void> FileConversion::go_ahead() {
  auto outcome = co_await attempt(ahead_->file);
  ahead_->outcome = std::move(outcome);
  ended_.notify();
}

boost::asio::awaitable<FileConversion::Outcome> FileConversion::first_attempt(SpoolFile& file) {
  if (!ahead_ || ahead_->file.number != file.number)
    co_return co_await attempt(file);
  while (!ahead_->outcome)
    co_await ended_.wait();
  const Ahead done = *std::exchange(ahead_, std::nullopt);
  file = done.file;
  co_return *done.outcome;
}

boost::asio::awaitable<FileConversion::End> FileConversion::finish(SpoolFile& file) {
  if (file.state != FileState::accepted)
    co_return End::done;
  auto outcome = co_await first_attempt(file);
  while (!outcome) {
    if (is_gone(outcome.error())) {
      error_ = outcome.error();
      co_return End::missing;
    }
    const bool again =
        co_await parts_.recorder.wait_for_one(printable(file.name), outcome.error(), Purpose::begin);
    if (!again)
      co_return End::stopping;
    outcome = co_await attempt(file);
  }
  parts_.recorder.note_moving(printable(file.name));
  co_return *outcome ? End::done : End::stopping;
}

boost::asio::awaitable<FileConversion::Outcome> FileConversion::attempt(SpoolFile& file) {
  auto work = [&disk = parts_.disk, &layout = parts_.layout, file, limits = parts_.limits,
               &stop = stopping_] { return convert_file(disk, layout, file, limits, &stop); };
  const auto converted = co_await parts_.workers.run(std::move(work));
  if (!converted && converted.error().code == Errc::cancelled)
    co_return false;
  if (!converted)
    co_return converted.error();
  const auto number = file.number;
  if (converted->refusal) {
    file.state = FileState::refused;
    file.refusal_code = converted->refusal->code;
    file.refusal_message = converted->refusal->message;
    GroupCommit::Change change = [number, code = file.refusal_code, message = file.refusal_message](
                                     Ledger& ledger) { return ledger.file_refused(number, code, message); };
    co_return co_await parts_.recorder.record(std::move(change), Purpose::begin);
  }
  file.converted = converted->converted;
  file.read_size = converted->read_size;
  file.state = FileState::ready;
  GroupCommit::Change change = [number, result = *converted](Ledger& ledger) {
    return ledger.file_ready(number, result.converted, result.read_size);
  };
  co_return co_await parts_.recorder.record(std::move(change), Purpose::begin);
}

}  // namespace usherd
