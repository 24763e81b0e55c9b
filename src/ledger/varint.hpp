#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

inline void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

/// A difference of two numbers, modulo 2^64: small either way is short.
inline void append_difference(std::string& out, std::uint64_t value, std::uint64_t base) {
  const std::uint64_t difference = value - base;
  append_varint(out, (difference << 1) ^ (0 - (difference >> 63)));
}

/// Takes varints off the front of bytes. Only the shortest form of a number is one.
class VarintReader {
 public:
  explicit VarintReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] std::optional<std::uint64_t> next() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      const bool overflows = shift == 63 && byte > 1;
      const bool padded = shift > 0 && byte == 0;
      if (overflows || padded)
        return std::nullopt;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80)
        return value;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint64_t> next_from(std::uint64_t base) {
    const auto value = next();
    if (!value)
      return std::nullopt;
    return base + ((*value >> 1) ^ (0 - (*value & 1)));
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace usherd
