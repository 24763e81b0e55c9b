#include "tests/fakes/inline_workers.hpp"
#include "tests/flow/world/world.hpp"
#include "usherd/ledger/group_commit.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <limits>
#include <string>
#include <vector>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;

boost::asio::awaitable<void> write_down(GroupCommit& commits, std::string name, std::size_t size,
                                        Result<void>& answer) {
  GroupCommit::Change change = [name, size](Ledger& ledger) {
    return ledger.set_fact(name, std::string(size, 'x'));
  };
  answer = co_await commits.apply(std::move(change));
}

TEST_CASE("A change that is too large for a full disk keeps none that is committed with it from it") {
  Effects effects;
  MemSqlite sqlite(effects);
  const auto ledger = std::move(Ledger::open_in(sqlite.name(), "/state").value());
  boost::asio::io_context loop;
  fakes::InlineWorkers workers(loop);
  GroupCommit commits(*ledger, workers);
  sqlite.allow_commits_of(100'000);
  constexpr std::size_t kLarge = 200'000;
  const std::vector<std::size_t> sizes{10, 10, kLarge, 10};
  std::vector<Result<void>> answers(sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i)
    boost::asio::co_spawn(loop, write_down(commits, fmt::format("fact{}", i), sizes[i], answers[i]),
                          boost::asio::detached);
  loop.run();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    CAPTURE(i);
    CHECK(answers[i].has_value() == (sizes[i] < kLarge));
    CHECK(ledger->fact(fmt::format("fact{}", i)).value().has_value() == (sizes[i] < kLarge));
  }
  CHECK(answers[2].error().code == Errc::no_space);
}

}  // namespace
}  // namespace usherd::flow
