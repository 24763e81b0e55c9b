#include "usherd/core/result.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <stdexcept>
#include <string>

using usherd::Errc;
using usherd::Error;
using usherd::Result;

namespace {

Result<int> half(int number) {
  if (number % 2 != 0)
    return Error{Errc::invalid, "odd"};
  return number / 2;
}

Result<void> need(bool good) {
  if (!good)
    return Error{Errc::denied, "no"};
  return {};
}

}  // namespace

TEST_CASE("a result holds a value or an error") {
  CHECK(half(4).has_value());
  CHECK(*half(4) == 2);
  REQUIRE(half(3).has_error());
  CHECK(half(3).error().code == Errc::invalid);
  CHECK(half(3).error().message == "odd");
  CHECK(need(true).has_value());
  CHECK(need(false).error().code == Errc::denied);
}

TEST_CASE("the value of an error is a bug, told with its message and place") {
  try {
    (void)half(3).value();
    FAIL("no exception");
  } catch (const std::runtime_error& failure) {
    CHECK(std::string(failure.what()).starts_with("odd ("));
  }
}

TEST_CASE("a layer adds what it was doing and keeps the kind") {
  const auto error = Error{Errc::no_space, "write: full"}.within("ledger").within("commit");
  CHECK(error.code == Errc::no_space);
  CHECK(error.message == "commit: ledger: write: full");
}

TEST_CASE("system calls that fail are told apart where a caller acts on it") {
  struct Row {
    int number;
    Errc code;
  };
  for (const auto& [number, code] :
       {Row{ENOSPC, Errc::no_space}, Row{EDQUOT, Errc::no_space}, Row{EROFS, Errc::no_space},
        Row{ENOENT, Errc::not_found}, Row{EEXIST, Errc::exists}, Row{EACCES, Errc::denied},
        Row{EPERM, Errc::denied}, Row{ETIMEDOUT, Errc::timeout}, Row{EIO, Errc::io}, Row{EINVAL, Errc::io}}) {
    CHECK(Error::system(number, "open").code == code);
  }
  CHECK(Error::system(ENOENT, "open /x").message == "open /x: No such file or directory");
}
