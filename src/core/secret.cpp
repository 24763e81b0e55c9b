#include "usherd/core/secret.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace usherd {
namespace {

/// Whether `text` begins with \u and the four digits of `c`.
bool is_unicode_escape(std::string_view text, char c) {
  constexpr std::size_t kLength = 6;
  if (text.size() < kLength || !text.starts_with("\\u"))
    return false;
  unsigned unit = 0;
  const auto* end = text.data() + kLength;
  return std::from_chars(text.data() + 2, end, unit, 16).ptr == end && unit == static_cast<unsigned char>(c);
}

/// How many bytes at the start of `text` spell the secret; 0 for none.
std::size_t spelled(std::string_view text, std::string_view secret) {
  std::size_t at = 0;
  for (const char c : secret) {
    const auto rest = text.substr(at);
    if (rest.size() > 1 && rest[0] == '\\' && rest[1] == c)
      at += 2;
    else if (rest.starts_with(c))
      at += 1;
    else if (is_unicode_escape(rest, c))
      at += 6;
    else
      return 0;
  }
  return at;
}

}  // namespace

void conceal(std::string& text, std::string_view secret) {
  if (secret.size() < kLeastConcealed)
    return;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != secret.front() && text[at] != '\\')
      continue;
    if (const auto length = spelled(std::string_view(text).substr(at), secret); length != 0) {
      text.replace(at, length, length, '*');
      at += length - 1;
    }
  }
}

void wipe_memory(void* memory, std::size_t size) {
  OPENSSL_cleanse(memory, size);
}

Secret::Secret(std::string_view text) : text_(std::make_unique<char[]>(text.size())), size_(text.size()) {
  std::copy(text.begin(), text.end(), text_.get());
}

Secret::~Secret() {
  wipe();
}

Secret::Secret(Secret&& other) noexcept
    : text_(std::move(other.text_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    text_ = std::move(other.text_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

bool Secret::same_as(const Secret& other) const {
  return size_ == other.size_ && (size_ == 0 || CRYPTO_memcmp(text_.get(), other.text_.get(), size_) == 0);
}

void Secret::wipe() {
  if (text_)
    wipe_memory(text_.get(), size_);
  text_.reset();
  size_ = 0;
}

}  // namespace usherd
