#include "usherd/batch/body_paths.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace usherd;

TEST_CASE("Paths are found by their numbers, in whatever order they came and wherever they stand") {
  const std::map<FileNumber, std::string> paths{
      {7, "/spool/working/7.a b"},    {9, "/spool/working/9.\n\xff"},
      {3, "/spool/working/3"},        {8, "/elsewhere/8"},
      {5, "/spool/working/below/5"},  {4, "/spool/workingfile"},
      {1'000'000'000'000, "relative"}};
  PathTable ascending;
  for (const auto& [number, path] : paths)
    ascending.put(number, path);
  PathTable descending;
  for (auto it = paths.rbegin(); it != paths.rend(); ++it)
    descending.put(it->first, it->second);
  for (const auto& [number, path] : paths) {
    CAPTURE(number);
    CHECK(ascending.find(number) == path);
    CHECK(descending.find(number) == path);
  }
  for (const FileNumber number : {0ULL, 2ULL, 6ULL, 10ULL, 1'000'000'000'001ULL})
    CHECK_FALSE(ascending.find(number));
  ascending.put(7, "/spool/working/other");
  CHECK(ascending.find(7) == "/spool/working/other");
  CHECK(ascending.find(8) == "/elsewhere/8");
  CHECK_FALSE(PathTable().find(1));
}
