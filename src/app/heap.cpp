#include "src/app/heap.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace usherd {
namespace {

constexpr std::uintptr_t kHugePage = 2 << 20;
/// What any busy daemon fills. All that it ever takes would be more, but in huge pages what is kept in
/// reserve counts as used, and what is large and rare finds room in here instead of in a mapping of its own:
/// with 40 MiB a drain peaks 9 MiB higher, with this 3.
constexpr int kUsualHeap = 24 << 20;
constexpr int kOwnMapping = 512 << 10;
constexpr int kUsualPad = 128 << 10;

/// Addresses for the usual heap in one piece, of which none is backed until it is used, and then by huge
/// pages: a page fault costs as much as checking dozens of records where the kernel itself runs on a
/// hypervisor.
void prepare_huge_pages() {
  const auto begin = reinterpret_cast<std::uintptr_t>(::sbrk(0));
  ::mallopt(M_TOP_PAD, kUsualHeap);
  // The piece is asked for by the next growth of the heap.
  void* volatile piece = std::malloc(kOwnMapping - 1024);  // volatile, or the compiler leaves it out
  std::free(piece);
  ::mallopt(M_TOP_PAD, kUsualPad);
  const auto end = reinterpret_cast<std::uintptr_t>(::sbrk(0));
  const auto first = (begin + kHugePage - 1) / kHugePage * kHugePage;
  // Where the kernel has no huge pages the heap is as it was.
  if (first < end)
    static_cast<void>(::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE));
}

}  // namespace

void set_up_heap() {
  // Workers hand their results to the event loop: with a heap for each thread every heap grows to the largest
  // need.
  ::mallopt(M_ARENA_MAX, 1);
  // What is rare and large, as a page of errors, goes back to the system at once where the heap has no room
  // for it: left to itself the threshold grows with each such piece, and the heap with it.
  ::mallopt(M_MMAP_THRESHOLD, kOwnMapping);
  ::mallopt(M_TRIM_THRESHOLD, kUsualHeap + (4 << 20));
  prepare_huge_pages();
}

}  // namespace usherd
