#include "usherd/core/zeroed_array.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace usherd;

TEST_CASE("What grows keeps what it held, and is zero behind it") {
  ZeroedArray<std::uint64_t> array(8);
  std::size_t filled = 0;
  // From the heap to what has pages of its own.
  for (const std::size_t size : {8U, 16U, 1000U, 1'000'000U}) {
    if (size > array.size())
      array.grow(size);
    REQUIRE(array.size() == size);
    for (std::size_t i = 0; i < filled; ++i)
      REQUIRE(array[i] == i + 1);
    for (std::size_t i = filled; i < size; ++i)
      REQUIRE(array[i] == 0);
    for (; filled < size; ++filled)
      array[filled] = filled + 1;
  }
}
