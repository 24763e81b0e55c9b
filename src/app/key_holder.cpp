#include "usherd/app/key_holder.hpp"

#include "usherd/app/api_key.hpp"
#include "usherd/core/log_event.hpp"

namespace usherd {

Result<void> KeyHolder::read() {
  auto key = read_api_key(key_file_, environment_);
  if (!key)
    return key.error();
  const bool changed = !key_.empty() && !key->same_as(key_);
  key_ = std::move(*key);
  if (changed) {
    log_event(log_, LogLevel::info, {LogEvent::key_changed, {}, 0, {}, {}}, "the API key changed");
    if (changed_)
      changed_();
  }
  return {};
}

void KeyHolder::reread() {
  if (auto done = read(); !done)
    log_.error("{}; the old key stays in use", done.error().message);
}

std::string KeyHolder::authorization() const {
  return "Basic " + std::string(key_.reveal());
}

}  // namespace usherd
