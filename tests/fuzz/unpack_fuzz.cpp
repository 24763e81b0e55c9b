#include "usherd/spool/unpack.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <string>

using namespace usherd;
using usherd::fuzz::require;

namespace {

/// So that a small bomb does not fill the memory.
constexpr std::size_t kMost = std::size_t{4} << 20;

struct Unpacked {
  std::string text;
  bool whole = false;
  bool full = false;
};

Unpacked unpack(Compression compression, std::string_view packed, std::size_t piece) {
  Unpacked result;
  const auto unpacker = make_unpacker(compression, [&](std::string_view bytes) -> Result<void> {
    require(!bytes.empty() && bytes.size() <= (std::size_t{256} << 10), "a piece of a wrong size");
    if (result.text.size() + bytes.size() > kMost) {
      result.full = true;
      return Error{Errc::no_space, "full"};
    }
    result.text += bytes;
    return {};
  });
  for (std::size_t at = 0; at < packed.size(); at += piece) {
    if (const auto fed = unpacker->feed(packed.substr(at, piece)); !fed) {
      require(result.full == (fed.error().code == Errc::no_space), "an error is not passed on");
      require(result.full || fed.error().code == Errc::invalid, "another error than damage");
      return result;
    }
  }
  result.whole = unpacker->finish().has_value();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packed(reinterpret_cast<const char*>(data), size);
  for (const auto compression : {Compression::gzip, Compression::zstd}) {
    const auto once = unpack(compression, packed, size + 1);
    if (once.full)
      continue;
    for (const std::size_t piece : {std::size_t{1}, 2 + size % 7}) {
      const auto cut = unpack(compression, packed, piece);
      require(cut.whole == once.whole, "the cut into pieces decides");
      require(!once.whole || cut.text == once.text, "the cut into pieces changes what comes out");
    }
  }
  return 0;
}
