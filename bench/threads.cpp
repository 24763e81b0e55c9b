#include "threads.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

std::uint64_t on_threads(unsigned threads, std::size_t files,
                         const std::function<std::uint64_t(const NextFile&)>& work) {
  std::atomic<std::size_t> taken{0};
  std::atomic<std::uint64_t> sum{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const NextFile next = [&]() -> std::optional<std::size_t> {
    const auto file = taken++;
    return file < files ? std::optional(file) : std::nullopt;
  };
  const auto run = [&] {
    try {
      sum += work(next);
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back(run);
  run();
  for (auto& other : others)
    other.join();
  if (failure)
    std::rethrow_exception(failure);
  return sum;
}
