#include "held_signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace usherd {

HeldSignals::HeldSignals() {
  sigset_t held;
  sigemptyset(&held);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    // The kernel keeps a blocked signal even where it is ignored, as nohup(1) does.
    struct ::sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN)
      sigaddset(&held, number);
  }
  came_ = ::signalfd(-1, &held, SFD_CLOEXEC);
  if (came_ < 0)
    sigemptyset(&held);
  ::pthread_sigmask(SIG_BLOCK, &held, &before_);
}

HeldSignals::~HeldSignals() {
  if (came_ >= 0)
    ::close(came_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool HeldSignals::readable(int descriptor) const {
  std::array<::pollfd, 2> both{{{came_, POLLIN, 0}, {descriptor, POLLIN, 0}}};
  while (true) {
    const int ready = ::poll(both.data(), both.size(), -1);
    if (ready >= 0 || errno != EINTR)
      return both[0].revents == 0;
  }
}

}  // namespace usherd
