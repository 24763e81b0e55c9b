#include "usherd/adapters/inotify_watch.hpp"

#include "src/adapters/descriptor.hpp"
#include "usherd/core/text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace usherd {

namespace asio = boost::asio;

namespace {

constexpr std::uint32_t kFinished = IN_CLOSE_WRITE | IN_MOVED_TO;
constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

Error failed(int number, std::string_view directory) {
  std::string text = fmt::format("watch {}", printable(directory, 400));
  if (number == ENOTDIR || number == ELOOP) {
    return {Errc::invalid, text + ": is not a directory"};
  }
  return Error::system(number, text);
}

}  // namespace

Result<std::unique_ptr<InotifyWatch>> InotifyWatch::open(const asio::any_io_executor& executor,
                                                         const std::string& directory) {
  Descriptor descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (descriptor.get() < 0) {
    return failed(errno, directory);
  }
  constexpr std::uint32_t kMask = kFinished | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW;
  if (::inotify_add_watch(descriptor.get(), directory.c_str(), kMask) < 0) {
    return failed(errno, directory);
  }
  return std::unique_ptr<InotifyWatch>(new InotifyWatch(executor, descriptor.release(), directory));
}

InotifyWatch::InotifyWatch(const asio::any_io_executor& executor, int descriptor, std::string directory)
    : descriptor_(executor, descriptor), directory_(std::move(directory)) {}

asio::awaitable<Result<WatchBatch>> InotifyWatch::next() {
  for (;;) {
    Result<WatchBatch> batch = read_batch();
    if (!batch || batch->overflow || !batch->names.empty()) {
      co_return batch;
    }
    const auto [error] = co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                         asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted) {
      co_return Error{Errc::cancelled, "cancelled"};
    }
    if (error) {
      co_return failed(error.value(), directory_);
    }
  }
}

// One read at most, so that a batch stays small however many events wait.
Result<WatchBatch> InotifyWatch::read_batch() {
  WatchBatch batch;
  alignas(inotify_event) std::array<char, std::size_t{16} << 10> bytes;
  const ssize_t got = ::read(descriptor_.native_handle(), bytes.data(), bytes.size());
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) {
      return batch;
    }
    return failed(errno, directory_);
  }
  for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
    inotify_event event{};
    std::memcpy(&event, bytes.data() + at, sizeof event);
    const char* name = bytes.data() + at + sizeof event;
    at += sizeof event + event.len;
    if ((event.mask & kGone) != 0) {
      return Error{Errc::not_found,
                   fmt::format("watch {}: the directory is gone", printable(directory_, 400))};
    }
    batch.overflow |= (event.mask & IN_Q_OVERFLOW) != 0;
    if ((event.mask & kFinished) != 0 && event.len > 0) {
      batch.names.emplace_back(name);
    }
  }
  return batch;
}

}  // namespace usherd
