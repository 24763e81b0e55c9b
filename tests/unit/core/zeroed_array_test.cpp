#include "usherd/core/zeroed_array.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace usherd;

TEST_CASE("What grows keeps what it held, and is zero behind it") {
  ZeroedArray<std::uint64_t> array(8);
  std::size_t filled = 0;
  // From the heap to a mapping of its own, on within it, to a larger one, and to one that takes several
  // pieces.
  for (const std::size_t size : {8U, 16U, 1000U, 150'000U, 200'000U, 300'000U, 1'000'000U}) {
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

TEST_CASE("Values that ask for it begin at lines of the cache, also once they have moved") {
  struct alignas(64) Line {
    std::uint64_t values[8];
  };
  ZeroedArray<Line> array(2);
  for (std::size_t size = 4; size <= 65'536; size *= 2) {
    CHECK(reinterpret_cast<std::uintptr_t>(&array[0]) % alignof(Line) == 0);
    array[size / 2 - 1].values[7] = size;
    array.grow(size);
    for (std::size_t old = 4; old <= size; old *= 2)
      REQUIRE(array[old / 2 - 1].values[7] == old);
    REQUIRE(array[size - 1].values[7] == 0);
  }
}
