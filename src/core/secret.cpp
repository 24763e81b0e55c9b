#include "usherd/core/secret.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace usherd {

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
