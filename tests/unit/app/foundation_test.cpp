#include "src/app/daemon_parts.hpp"
#include "tests/fakes/temp_directory.hpp"
#include "tests/unit/spool/stopping_files.hpp"

#include <doctest/doctest.h>

namespace usherd::test {
namespace {

TEST_CASE("A disk that does not tell whether spool and state are a pair is no fault of the configuration") {
  const fakes::TempDirectory place;
  Config config;
  config.api.base_url = "http://127.0.0.1";
  config.spool.directory = place / "spool";
  config.state.directory = place / "state";
  std::filesystem::create_directory(config.spool.directory);
  StoppingFiles disk;
  REQUIRE(lay_foundation(config, disk).has_value());
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

}  // namespace
}  // namespace usherd::test
