#include "usherd/app/config_reload.hpp"

#include <utility>

namespace usherd {

ReloadedConfig reload_config(const Config& running, Config fresh) {
  ReloadedConfig reloaded{std::move(fresh), {}};
  const auto keep = [&reloaded](const char* key, const std::string& old, std::string& now) {
    if (now == old)
      return;
    now = old;
    reloaded.waiting.emplace_back(key);
  };
  keep("spool.directory", running.spool.directory, reloaded.config.spool.directory);
  keep("state.directory", running.state.directory, reloaded.config.state.directory);
  keep("admin.listen", running.admin.listen, reloaded.config.admin.listen);
  keep("admin.socket", running.admin.socket, reloaded.config.admin.socket);
  return reloaded;
}

}  // namespace usherd
