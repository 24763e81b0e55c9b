#include "src/app/held_reload.hpp"

#include <csignal>

namespace usherd {
namespace {

void mask_reload(int how) {
  sigset_t reload;
  sigemptyset(&reload);
  sigaddset(&reload, SIGHUP);
  ::pthread_sigmask(how, &reload, nullptr);
}

}  // namespace

void hold_reload() {
  mask_reload(SIG_BLOCK);
}

void release_reload() {
  mask_reload(SIG_UNBLOCK);
}

}  // namespace usherd
