#pragma once

#include "tests/fakes/temp_directory.hpp"

#include "usherd/adapters/posix_files.hpp"
#include "usherd/ledger/group_commit.hpp"
#include "usherd/ledger/ledger.hpp"
#include "usherd/spool/folders.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/spool/settle_watch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace usherd::test {

using fakes::read_file;
using fakes::TempDirectory;
using fakes::write_file;

inline std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.insert(entry.path().filename());
  return names;
}

/// A spool and a ledger on the real disk, with an event loop and workers. `restart` is what a crash leaves.
class TempSpool {
 public:
  TempSpool() {
    if (!prepare_folders(files, layout))
      std::abort();
    std::filesystem::create_directory(directory.path() + "/state");
    restart();
  }
  ~TempSpool() {
    commits.reset();
    pool.join();
  }

  void restart() {
    commits.reset();
    ledger.reset();
    auto opened = Ledger::open(directory.path() + "/state");
    if (!opened)
      std::abort();
    ledger = std::move(*opened);
    commits.emplace(*ledger, Workers(ledger_pool.get_executor()));
  }

  void drop(const std::string& name, std::string_view text) {
    write_file(layout.incoming() + "/" + name, text);
  }
  [[nodiscard]] SeenFile seen(const std::string& name) {
    SeenFile file;
    file.name = name;
    file.stat = files.stat(layout.incoming() + "/" + name).value();
    return file;
  }
  [[nodiscard]] std::vector<SpoolFile> rows() { return ledger->open_files(0, 10'000).value(); }

  /// Runs a coroutine to its end on the loop.
  template <class T>
  T run(boost::asio::awaitable<T> task) {
    std::optional<T> result;
    std::exception_ptr failure;
    auto done = [&](const std::exception_ptr& error, T value) {
      failure = error;
      result.emplace(std::move(value));
    };
    boost::asio::co_spawn(loop, std::move(task), done);
    loop.restart();
    loop.run();
    if (failure)
      std::rethrow_exception(failure);
    return std::move(*result);
  }

  TempDirectory directory;
  SpoolLayout layout{directory.path() + "/spool"};
  PosixFiles files;
  boost::asio::io_context loop;
  boost::asio::thread_pool pool{2};
  boost::asio::thread_pool ledger_pool{1};
  std::unique_ptr<Ledger> ledger;
  std::optional<GroupCommit> commits;
  Workers workers{pool.get_executor()};
};

}  // namespace usherd::test
