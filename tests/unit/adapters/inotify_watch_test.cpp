#include "usherd/adapters/inotify_watch.hpp"

#include "tests/fakes/temp_directory.hpp"
#include "tests/unit/adapters/run_loop.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

using namespace usherd;
using usherd::fakes::TempDirectory;
namespace asio = boost::asio;

namespace {

std::vector<std::string> names_of(asio::io_context& loop, InotifyWatch& watch) {
  Result<WatchBatch> batch = test::run(loop, watch.next());
  REQUIRE(batch.has_value());
  CHECK_FALSE(batch->overflow);
  return batch->names;
}

}  // namespace

TEST_CASE("Files are named when they were closed after writing or moved in, not before") {
  const TempDirectory directory;
  const TempDirectory elsewhere;
  asio::io_context loop;
  const std::unique_ptr<InotifyWatch> watch =
      InotifyWatch::open(loop.get_executor(), directory.path()).value();
  std::ofstream open(directory / "open");
  open << "half" << std::flush;
  std::ofstream(directory / "closed") << "whole";
  std::ofstream(elsewhere / "x") << "moved";
  REQUIRE(std::rename((elsewhere / "x").c_str(), (directory / "moved").c_str()) == 0);
  REQUIRE(::unlink((directory / "closed").c_str()) == 0);
  CHECK(names_of(loop, *watch) == std::vector<std::string>{"closed", "moved"});
  asio::post(loop, [&] { open.close(); });
  CHECK(names_of(loop, *watch) == std::vector<std::string>{"open"});
}

TEST_CASE("A wait can be cancelled and begun again") {
  const TempDirectory directory;
  asio::io_context loop;
  const std::unique_ptr<InotifyWatch> watch =
      InotifyWatch::open(loop.get_executor(), directory.path()).value();
  asio::cancellation_signal signal;
  Errc ended = Errc::io;
  auto keep = [&](std::exception_ptr, const Result<WatchBatch>& batch) { ended = batch.error().code; };
  asio::co_spawn(loop, watch->next(), asio::bind_cancellation_slot(signal.slot(), keep));
  asio::post(loop, [&] { signal.emit(asio::cancellation_type::terminal); });
  loop.run();
  CHECK(ended == Errc::cancelled);
  std::ofstream(directory / "a") << "x";
  CHECK(names_of(loop, *watch) == std::vector<std::string>{"a"});
}

TEST_CASE("More events than the kernel keeps show as an overflow") {
  std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
  unsigned limit = 0;
  limit_file >> limit;
  const TempDirectory directory;
  asio::io_context loop;
  const std::unique_ptr<InotifyWatch> watch =
      InotifyWatch::open(loop.get_executor(), directory.path()).value();
  // Like events of one name that follow each other become one: names take turns.
  for (unsigned i = 0; i <= limit; ++i) {
    std::FILE* file = std::fopen((directory / (i % 2 == 0 ? "even" : "odd")).c_str(), "w");
    std::fclose(file);
  }
  unsigned seen = 0;
  bool overflow = false;
  while (!overflow) {
    Result<WatchBatch> batch = test::run(loop, watch->next());
    REQUIRE(batch.has_value());
    seen += static_cast<unsigned>(batch->names.size());
    overflow = batch->overflow;
  }
  CHECK(seen <= limit);
}

TEST_CASE("A directory that goes away ends the watch with an error") {
  TempDirectory outer;
  asio::io_context loop;
  std::filesystem::create_directory(outer / "inner");
  const std::unique_ptr<InotifyWatch> watch =
      InotifyWatch::open(loop.get_executor(), outer / "inner").value();
  std::filesystem::remove(outer / "inner");
  CHECK(test::run(loop, watch->next()).error().code == Errc::not_found);
  CHECK(InotifyWatch::open(loop.get_executor(), outer / "inner").error().code == Errc::not_found);
  std::ofstream(outer / "file") << "x";
  CHECK(InotifyWatch::open(loop.get_executor(), outer / "file").error().code == Errc::invalid);
}
