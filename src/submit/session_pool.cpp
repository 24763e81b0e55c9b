#include "usherd/submit/session_pool.hpp"

#include <utility>

namespace usherd {

Session::Session(SessionPool& pool, std::unique_ptr<Connection> connection)
    : pool_(&pool), connection_(std::move(connection)) {}

Session::~Session() {
  if (connection_ != nullptr)
    pool_->give_back(std::move(connection_));
}

SessionPool::SessionPool(boost::asio::any_io_executor loop, Transport& transport, std::size_t size)
    : transport_(transport), places_(std::move(loop), size), size_(size) {}

boost::asio::awaitable<Session> SessionPool::acquire() {
  co_await places_.acquire();
  ++busy_;
  std::unique_ptr<Connection> connection;
  if (idle_.empty()) {
    connection = transport_.connection();
  } else {
    connection = std::move(idle_.back());
    idle_.pop_back();
  }
  Session session(*this, std::move(connection));
  co_return session;
}

void SessionPool::give_back(std::unique_ptr<Connection> connection) {
  --busy_;
  if (idle_.size() + busy_ < size_)
    idle_.push_back(std::move(connection));
  places_.release();
}

void SessionPool::resize(std::size_t size) {
  places_.add_places(static_cast<std::ptrdiff_t>(size) - static_cast<std::ptrdiff_t>(size_));
  size_ = size;
  while (!idle_.empty() && idle_.size() + busy_ > size_)
    idle_.pop_back();
}

}  // namespace usherd
