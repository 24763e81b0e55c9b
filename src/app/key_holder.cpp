#include "usherd/app/key_holder.hpp"

#include "usherd/app/api_key.hpp"
#include "usherd/core/log_event.hpp"
#include "usherd/submit/parking.hpp"

#include <fmt/format.h>

namespace usherd {

Result<void> KeyHolder::read() {
  auto key = read_api_key(key_file_, environment_);
  fault_ = key ? "" : key.error().message;
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

std::string KeyHolder::advice() const {
  if (!fault_.empty())
    return fmt::format("the API refuses the key, and no other one can be read: {}", fault_);
  if (has_credential_key(environment_))
    return "the API refuses the key of the systemd credential api-key, which wins over api.key_file; change "
           "that credential and restart usherd";
  return std::string(advice_for(ParkReason::credentials));
}

std::string KeyHolder::authorization() const {
  return "Basic " + std::string(key_.reveal());
}

}  // namespace usherd
