#include "usherd/core/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>

namespace usherd {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 30;

unsigned char* to(std::string& out, std::size_t at) {
  return reinterpret_cast<unsigned char*>(out.data() + at);
}

const unsigned char* from(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool is_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  assert(bytes.size() <= kMost);
  const auto start = out.size();
  // The encoder ends its text in a NUL.
  out.resize(start + (bytes.size() + 2) / 3 * 4 + 1);
  EVP_EncodeBlock(to(out, start), from(bytes), static_cast<int>(bytes.size()));
  out.pop_back();
}

std::optional<std::string> decode_base64(std::string_view text) {
  const auto digits = text.substr(0, text.find('='));
  const auto padding = text.size() - digits.size();
  // The decoder skips blanks and takes padding anywhere.
  if (text.size() > kMost || text.size() % 4 != 0 || padding > 2 ||
      !std::all_of(digits.begin(), digits.end(), is_digit) ||
      text.substr(digits.size()).find_first_not_of('=') != std::string_view::npos)
    return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(to(bytes, 0), from(text), static_cast<int>(text.size())) < 0)
    return std::nullopt;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace usherd
