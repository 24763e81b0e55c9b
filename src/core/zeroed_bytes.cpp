#include "usherd/core/zeroed_bytes.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
/// From here on a huge page is filled by half at least once it has doubled.
constexpr std::size_t kOwnMapping = std::size_t{768} << 10;

constexpr std::size_t whole(std::size_t size, std::size_t unit) {
  return (size + unit - 1) / unit * unit;
}

}  // namespace

void ZeroedBytes::Release::operator()(char* bytes) const {
  if (mapped > 0)
    ::munmap(bytes, mapped);
  else
    std::free(bytes);
}

ZeroedBytes::ZeroedBytes(std::size_t size) : bytes_(allocate(size)), size_(size) {}

ZeroedBytes::Owned ZeroedBytes::allocate(std::size_t size) {
  if (size >= kOwnMapping)
    return map(size);
  const auto length = whole(std::max(size, kAlignment), kAlignment);
  Owned bytes(static_cast<char*>(std::aligned_alloc(kAlignment, length)), Release{0});
  if (bytes == nullptr)
    throw std::bad_alloc();
  std::memset(bytes.get(), 0, length);
  return bytes;
}

/// Whole huge pages, at an address that lets them be some.
ZeroedBytes::Owned ZeroedBytes::map(std::size_t size) {
  const auto length = whole(size, kHugePage);
  void* found =
      ::mmap(nullptr, length + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (found == MAP_FAILED)
    throw std::bad_alloc();
  auto* begin = static_cast<char*>(found);
  const auto before = -reinterpret_cast<std::uintptr_t>(begin) % kHugePage;
  if (before > 0)
    ::munmap(begin, before);
  ::munmap(begin + before + length, kHugePage - before);
  begin += before;
  static_cast<void>(::madvise(begin, length, MADV_HUGEPAGE));
  return {begin, Release{length}};
}

void ZeroedBytes::grow(std::size_t size) {
  // What of a mapping was not used yet is zero.
  if (size > bytes_.get_deleter().mapped) {
    auto larger = allocate(size);
    move_into(larger.get());
    bytes_ = std::move(larger);
  }
  size_ = size;
}

/// Gives a large one back piece by piece as it is copied.
void ZeroedBytes::move_into(char* bytes) {
  auto& mapped = bytes_.get_deleter().mapped;
  if (mapped == 0) {
    std::memcpy(bytes, bytes_.get(), size_);
    return;
  }
  auto* from = bytes_.release();
  for (std::size_t at = 0; at < mapped; at += kHugePage) {
    if (at < size_)
      std::memcpy(bytes + at, from + at, std::min(kHugePage, size_ - at));
    ::munmap(from + at, kHugePage);
  }
}

}  // namespace usherd
