#pragma once

namespace usherd {

/// Keeps a SIGHUP that comes while a daemon starts until it listens for one. Before any thread is made, so
/// that all inherit it.
void hold_reload();
/// One that came meanwhile takes its course now.
void release_reload();

}  // namespace usherd
