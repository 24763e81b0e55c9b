#include "usherd/spool/unpack.hpp"

#include "tests/unit/spool/packed.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace usherd;
using namespace usherd::test;

namespace {

struct Unpacked {
  std::string text;
  std::string error;
};

Unpacked unpack(Compression compression, std::string_view packed, std::size_t piece = 256U << 10) {
  Unpacked result;
  const auto unpacker = make_unpacker(compression, [&](std::string_view bytes) -> Result<void> {
    result.text += bytes;
    return {};
  });
  for (std::size_t at = 0; at < packed.size(); at += piece) {
    if (const auto fed = unpacker->feed(packed.substr(at, piece)); !fed) {
      CHECK(fed.error().code == Errc::invalid);
      result.error = fed.error().message;
      return result;
    }
  }
  if (const auto finished = unpacker->finish(); !finished) {
    CHECK(finished.error().code == Errc::invalid);
    result.error = finished.error().message;
  }
  return result;
}

std::string some_text(std::size_t lines) {
  std::string text;
  for (std::size_t line = 0; line < lines; ++line)
    text += fmt::format("{{\"uid\":\"{}\",\"n\":{}}}\n", line * 7919 % 10007, line);
  return text;
}

std::string skippable_frame(std::string_view content) {
  std::string frame("\x53\x2a\x4d\x18", 4);
  for (unsigned shift = 0; shift < 32; shift += 8)
    frame += static_cast<char>(content.size() >> shift);
  return frame.append(content);
}

}  // namespace

TEST_CASE("what was packed comes out as it was, in any pieces and any number of parts") {
  const auto first = some_text(30'000);
  const auto second = some_text(7);
  struct Row {
    Compression compression;
    std::string packed;
    std::string text;
  };
  const Row table[] = {
      {Compression::gzip, gzip(first), first},
      {Compression::gzip, gzip(""), ""},
      {Compression::gzip, gzip(first) + gzip("") + gzip(second, 0), first + second},
      {Compression::gzip, gzip(second) + std::string(1500, '\0'), second},
      {Compression::zstd, zstd(first), first},
      {Compression::zstd, zstd(""), ""},
      {Compression::zstd, zstd(first, 19) + skippable_frame("index") + zstd("") + zstd(second),
       first + second},
  };
  for (const auto& row : table) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{13}, row.packed.size() + 1}) {
      const auto done = unpack(row.compression, row.packed, piece);
      CHECK(done.error.empty());
      CHECK((done.text == row.text));
    }
  }
}

TEST_CASE("a file that is cut short anywhere is damaged") {
  const auto text = some_text(20);
  struct Row {
    Compression compression;
    std::string packed;
    std::size_t whole_too;  ///< a length that is whole by itself
  };
  const Row table[] = {
      {Compression::gzip, gzip(text) + gzip(text), gzip(text).size()},
      {Compression::zstd, zstd(text) + zstd(text), zstd(text).size()},
  };
  for (const auto& row : table) {
    for (std::size_t length = 0; length < row.packed.size(); ++length) {
      CAPTURE(length);
      const auto done = unpack(row.compression, row.packed.substr(0, length));
      CHECK(done.error.empty() == (length == row.whole_too));
    }
  }
}

TEST_CASE("a flipped bit is told, or changes nothing of what comes out") {
  const auto text = some_text(40);
  for (const auto compression : {Compression::gzip, Compression::zstd}) {
    const auto packed = compression == Compression::gzip ? gzip(text) : zstd(text);
    std::size_t told = 0;
    for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
      auto damaged = packed;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      const auto done = unpack(compression, damaged);
      CHECK((!done.error.empty() || done.text == text));
      told += done.error.empty() ? 0 : 1;
    }
    CHECK(told > packed.size() * 7);
  }
}

TEST_CASE("what is no such file is damaged, with the place") {
  struct Row {
    Compression compression;
    std::string packed;
    const char* reason;
  };
  const auto text = some_text(20);
  const Row table[] = {
      {Compression::gzip, text, "near its byte"},
      {Compression::gzip, zstd(text), "near its byte"},
      {Compression::gzip, gzip(text) + "garbage", "no further member follows the archive's end"},
      {Compression::gzip, gzip(text) + "\n", "no further member follows the archive's end"},
      {Compression::gzip, gzip(text) + std::string(3, '\0') + "x", "something follows the padding"},
      {Compression::gzip, gzip(text) + std::string(3, '\0') + gzip(text), "something follows the padding"},
      {Compression::zstd, text, "near its byte"},
      {Compression::zstd, gzip(text), "near its byte"},
      {Compression::zstd, zstd(text) + "garbage", "near its byte"},
      {Compression::gzip, "", "the file is empty"},
      {Compression::zstd, "", "the file is empty"},
  };
  for (const auto& row : table) {
    for (const std::size_t piece : {1, 1000}) {
      const auto done = unpack(row.compression, row.packed, piece);
      CAPTURE(done.error);
      CHECK(done.error.find(row.reason) != std::string::npos);
    }
  }
}

TEST_CASE("an error of who takes the bytes ends the work and is passed on") {
  const auto text = some_text(100'000);
  for (const auto compression : {Compression::gzip, Compression::zstd}) {
    int calls = 0;
    const auto unpacker = make_unpacker(compression, [&](std::string_view) -> Result<void> {
      return ++calls < 3 ? Result<void>{} : Error{Errc::no_space, "full"};
    });
    const auto fed = unpacker->feed(compression == Compression::gzip ? gzip(text) : zstd(text));
    REQUIRE_FALSE(fed.has_value());
    CHECK(fed.error().code == Errc::no_space);
    CHECK(calls == 3);
  }
  CHECK(make_unpacker(Compression::none, {}) == nullptr);
}
