#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace usherd {

/// The worker pool seen from the event loop: runs blocking work elsewhere and brings its result back. Holds
/// no threads itself; the executor's owner must outlive it.
class Workers {
 public:
  explicit Workers(boost::asio::any_io_executor pool) : pool_(std::move(pool)) {}

  /// Jobs handed in through this object and its copies whose callers still wait. Event loop only.
  [[nodiscard]] std::size_t under_way() const { return *under_way_; }

  /// Runs `work` on a worker and resumes the caller on its own executor with what it returned, or with what
  /// it threw. Once handed in the work is not cancelled. Name a capturing lambda before passing it (gcc
  /// 107288).
  template <class Work>
  [[nodiscard]] boost::asio::awaitable<std::invoke_result_t<Work&>> run(Work work) const {
    using Value = std::invoke_result_t<Work&>;
    static_assert(!std::is_void_v<Value>, "return a Result<void> or a bool");
    auto start = [pool = pool_](auto handler, Work job) {
      auto executor = boost::asio::get_associated_executor(handler);
      auto task = [handler = std::move(handler), job = std::move(job),
                   guard = boost::asio::make_work_guard(executor)]() mutable {
        std::exception_ptr thrown;
        std::optional<Value> value;
        try {
          value.emplace(job());
        } catch (...) {
          thrown = std::current_exception();
        }
        auto back = [handler = std::move(handler), thrown = std::move(thrown),
                     value = std::move(value)]() mutable {
          std::move(handler)(std::move(thrown), std::move(value));
        };
        const auto loop = guard.get_executor();
        boost::asio::post(loop, std::move(back));
      };
      boost::asio::post(pool, std::move(task));
    };
    using Signature = void(std::exception_ptr, std::optional<Value>);
    const Counted counted(under_way_);
    auto value = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, Signature>(
        std::move(start), boost::asio::use_awaitable, std::move(work));
    co_return std::move(*value);
  }

 private:
  class Counted {
   public:
    explicit Counted(std::shared_ptr<std::size_t> count) : count_(std::move(count)) { ++*count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*count_; }

   private:
    std::shared_ptr<std::size_t> count_;
  };

  boost::asio::any_io_executor pool_;
  std::shared_ptr<std::size_t> under_way_ = std::make_shared<std::size_t>(0);
};

}  // namespace usherd
