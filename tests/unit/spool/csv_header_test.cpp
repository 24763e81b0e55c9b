#include "usherd/spool/csv_header.hpp"

#include "tests/unit/spool/csv_bench.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace usherd;
using namespace usherd::test;

TEST_CASE("a header that no record could come from refuses the file with its reason") {
  struct Row {
    std::string header;
    const char* reason;  ///< part of it
  };
  std::string deep = "a";
  for (int level = 0; level < 64; ++level)
    deep += ".a";
  const Row table[] = {
      {"", "there is no header row"},
      {"\n\n", "there is no header row"},
      {"\xEF\xBB\xBF", "there is no header row"},
      {"uid,", "column 2 has no name"},
      {"uid,,a", "column 2 has no name"},
      {"uid,1a", "column 2 (1a): a name is a letter"},
      {"uid, email", "remove the blanks"},
      {"uid;email", "separated by commas"},
      {"uid\temail", "separated by commas"},
      {"uid,a..b", "column 2 (a..b)"},
      {"uid,a.", "column 2 (a.)"},
      {"uid,plan\rx,y", "lines end with LF"},
      {"\xFF\xFEu\0i\0d\0", "UTF-16"},
      {"uid,a:text", "there is no type 'text'"},
      {"uid,a:", "there is no type ''"},
      {"uid,a:Int", "there is no type 'Int'"},
      {"uid,:int", "column 2 ()"},
      {"uid:int", "(uid:int) is always a string"},
      {"email:strs", "(email:strs) is always a string"},
      {"uid,uid", "column 2 (uid) is also in column 1"},
      {"uid,uid:str", "column 2 (uid) is also in column 1"},
      {"a,b,a", "column 3 (a) is also in column 1"},
      {"a:int,b,a:str", "column 3 (a) is also in column 1"},
      {"a.b,c,a", "column 3 (a) is the object in which column 1 stands"},
      {"uid,a.b,a", "column 3 (a) is the object in which column 2 stands"},
      {"a,c,a.b", "column 3 (a.b) stands inside column 1, which is a value"},
      {"a.b.c,a.b", "column 2 (a.b) is the object in which column 1 stands"},
      {"a.b,a.b.c", "column 2 (a.b.c) stands inside column 1"},
      {"uid," + std::string(513, 'a'), "more than 512 characters"},
      {"uid," + deep, "nested deeper than 64"},
      {"uid,\"a", "a quote is never closed"},
      {"u\"id", "a quote stands inside a cell"},
      {"\"uid\"x,a", "something follows a cell's closing quote"},
      {std::string((1 << 20) + 1, 'a'), "more than 1 MiB"},
  };
  for (const auto& row : table) {
    CAPTURE(row.header.substr(0, 60));
    for (const auto* rows : {"", "\n1,2\n"}) {
      if (row.header.size() < 4 && *rows != '\0')
        continue;  // an empty line is no header: the row behind it would be
      const auto done = convert_csv(row.header + rows);
      CAPTURE(done.error);
      CHECK(done.error.find(row.reason) != std::string::npos);
      CHECK(done.lines.empty());
    }
  }
}

TEST_CASE("a header may have ten thousand columns and no more") {
  std::string header = "uid";
  for (int column = 1; column < 10'000; ++column)
    header += fmt::format(",c{}", column);
  CHECK(convert_csv(header + "\n").error.empty());
  CHECK(convert_csv(header + ",more\n").error.find("more than 10000 columns") != std::string::npos);
}

TEST_CASE("columns become members, properties and nested objects, whatever their order") {
  const auto done =
      convert_csv("a.x,plan,email,a.b.c:int,uid,a.y:bool,id,display_name,uid.x\n1,free,e@x,5,u,no,7,Ann,z\n");
  CHECK(done.error.empty());
  REQUIRE(done.lines.size() == 1);
  CHECK(done.lines[0] ==
        R"({"uid":"u","id":"7","display_name":"Ann","email":"e@x",)"
        R"("properties":{"a":{"x":"1","b":{"c":5},"y":false},"plan":"free","uid":{"x":"z"}},)"
        R"("schema":{"properties":{"a.b.c":"int","a.y":"bool"}}})");
}

TEST_CASE("an empty cell is left out, with the objects and declarations it would have made") {
  const auto done = convert_csv("uid,a.x:int,a.y,b:strs,email\n1,,,,\n2,,y,,\n3,4,,\"\",e\n4, ,, ,e\n,,,,\n");
  CHECK(done.error.empty());
  const std::vector<std::string> lines{
      R"({"uid":"1"})", R"({"uid":"2","properties":{"a":{"y":"y"}}})",
      R"({"uid":"3","email":"e","properties":{"a":{"x":4}},"schema":{"properties":{"a.x":"int"}}})",
      R"({"uid":"4","email":"e","properties":{"b":[" "]},"schema":{"properties":{"b":"strs"}}})"};
  CHECK(done.lines == lines);
}

TEST_CASE("a member column may say that it is a string") {
  const auto done = convert_csv("uid:str,email:str\n1,e\n");
  CHECK(done.lines == std::vector<std::string>{R"({"uid":"1","email":"e"})"});
}
