#include "usherd/submit/outage_watch.hpp"

namespace usherd {
namespace {

constexpr std::uint64_t kFailuresToTell = 3;
constexpr auto kTellAgain = std::chrono::hours{1};

}  // namespace

OutageWatch::Outage OutageWatch::outage(BootTime now) const {
  return {failed_, std::chrono::duration_cast<Milliseconds>(now - first_)};
}

std::optional<OutageWatch::Outage> OutageWatch::failed(BootTime now) {
  if (failed_++ == 0)
    first_ = now;
  if (failed_ < kFailuresToTell || (told_ && now - *told_ < kTellAgain))
    return std::nullopt;
  told_ = now;
  return outage(now);
}

std::optional<OutageWatch::Outage> OutageWatch::answered(BootTime now) {
  const auto over = present(now);
  failed_ = 0;
  told_.reset();
  return over;
}

std::optional<OutageWatch::Outage> OutageWatch::present(BootTime now) const {
  return told_ ? std::optional(outage(now)) : std::nullopt;
}

}  // namespace usherd
