#pragma once

#include "usherd/ports/watch.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <string>

namespace usherd {

/// A Watch by inotify. Watches from open() on, and keeps up to the kernel's queue of events while nobody
/// waits. The executor's context must outlive it.
class InotifyWatch final : public Watch {
 public:
  /// Errors: not_found, denied; invalid when it is no directory or a symbolic link.
  [[nodiscard]] static Result<std::unique_ptr<InotifyWatch>> open(
      const boost::asio::any_io_executor& executor, const std::string& directory);
  [[nodiscard]] boost::asio::awaitable<Result<WatchBatch>> next() override;

 private:
  InotifyWatch(const boost::asio::any_io_executor& executor, int descriptor, std::string directory);
  Result<WatchBatch> read_batch();

  boost::asio::posix::stream_descriptor descriptor_;
  std::string directory_;
};

}  // namespace usherd
