#include "tests/unit/spool/intakes.hpp"

#include <doctest/doctest.h>

using namespace usherd;
using namespace usherd::test;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a reload takes effect at once") {
  Intakes intakes;
  intakes.start();
  intakes.spool.drop("a.ndjson", "");
  intakes.intake->reload(0ms, 15s, 1);
  intakes.poll();
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}

TEST_CASE("a lowered settle time holds for files that are watched already") {
  Intakes intakes;
  intakes.intake->reload(1h, 15s, 1);
  intakes.spool.drop("a.ndjson", "");
  intakes.start();
  intakes.pass(20s);
  CHECK(intakes.accepted().empty());
  intakes.intake->reload(30s, 15s, 1);
  intakes.pass(9s);
  CHECK(intakes.accepted().empty());
  intakes.pass(2s);
  CHECK(intakes.accepted() == Names{"a.ndjson"});
}
