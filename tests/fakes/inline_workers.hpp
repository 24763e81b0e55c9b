#pragma once

#include "usherd/ports/workers.hpp"

#include <boost/asio/io_context.hpp>

namespace usherd::fakes {

/// Workers whose work runs on the event loop itself, in the order it was handed in: nothing is left to
/// chance.
class InlineWorkers : public Workers {
 public:
  explicit InlineWorkers(boost::asio::io_context& loop) : Workers(loop.get_executor()) {}
};

}  // namespace usherd::fakes
