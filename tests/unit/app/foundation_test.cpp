#include "src/app/daemon_parts.hpp"
#include "tests/fakes/temp_directory.hpp"
#include "tests/unit/spool/stopping_files.hpp"

#include <doctest/doctest.h>

namespace usherd::test {
namespace {

/// Spool and state of one start, which a next one meets.
struct Laid {
  Laid() {
    config.api.base_url = "http://127.0.0.1";
    config.spool.directory = place / "spool";
    config.state.directory = place / "state";
    std::filesystem::create_directory(config.spool.directory);
    REQUIRE(lay_foundation(config, disk).has_value());
  }

  fakes::TempDirectory place;
  Config config;
  StoppingFiles disk;
};

TEST_CASE_FIXTURE(
    Laid, "A disk that does not tell whether spool and state are a pair is no fault of the configuration") {
  const auto ends_with = [&](Errc code) {
    disk.before_open = [code](const std::string& path) -> Result<void> {
      if (path.ends_with("/.usherd-spool"))
        return Error{code, path + ": it cannot be read"};
      return {};
    };
    return lay_foundation(config, disk).error().exit;
  };
  // Not 78, after which systemd would leave it stopped.
  CHECK(ends_with(Errc::io) == ExitCode::failure);
  CHECK(ends_with(Errc::denied) == ExitCode::config);
  CHECK(ends_with(Errc::invalid) == ExitCode::config);
  disk.before_open = {};
  CHECK(lay_foundation(config, disk).has_value());
}

TEST_CASE_FIXTURE(Laid, "A start that finds its spool in use takes the state directory away that it made") {
  const auto running = lay_foundation(config, disk);
  REQUIRE(running.has_value());
  auto other = config;
  other.state.directory = place / "other";
  CHECK(lay_foundation(other, disk).error().exit == ExitCode::busy);
  CHECK_FALSE(std::filesystem::exists(other.state.directory));
}

TEST_CASE_FIXTURE(Laid, "A disk that gives none of the folders' names is no fault of the configuration") {
  disk.before_list = [](const std::string& directory) -> Result<void> {
    return Error{Errc::io, directory + ": Stale file handle"};
  };
  CHECK(lay_foundation(config, disk).error().exit == ExitCode::failure);
  disk.before_list = {};
  CHECK(lay_foundation(config, disk).has_value());
}

TEST_CASE_FIXTURE(
    Laid, "A start that meets a damaged page of the ledger says what is to be done, and says it once") {
  const auto ledger = config.state.directory + "/ledger.sqlite";
  const auto sound = fakes::read_file(ledger);
  constexpr std::size_t kPage = 4096;
  REQUIRE(sound.size() > 3 * kPage);
  bool past_the_opening = false;
  for (std::size_t at = kPage; at < sound.size(); at += kPage) {
    CAPTURE(at);
    auto damaged = sound;
    damaged.replace(at, kPage, kPage, 'x');
    fakes::write_file(ledger, damaged);
    const auto laid = lay_foundation(config, disk);
    if (laid)
      continue;
    const auto& fault = laid.error();
    CAPTURE(fault.error.message);
    CHECK(fault.exit == ExitCode::config);
    const auto advice = fault.error.message.find("usherd doctor");
    REQUIRE(advice != std::string::npos);
    CHECK(fault.error.message.find("usherd doctor", advice + 1) == std::string::npos);
    past_the_opening = past_the_opening || Ledger::open(config.state.directory).has_value();
  }
  CHECK(past_the_opening);
  fakes::write_file(ledger, sound);
  CHECK(lay_foundation(config, disk).has_value());
  // Another's spool is no damage, and has its own advice.
  fakes::write_file(config.spool.directory + "/.usherd-spool", "another\n");
  const auto stranger = lay_foundation(config, disk).error();
  CHECK(stranger.exit == ExitCode::config);
  CHECK(stranger.error.message.ends_with("look at both with `usherd doctor`"));
}

}  // namespace
}  // namespace usherd::test
