#pragma once

namespace usherd {

/// Sets up the C library's heap for a daemon; before any other thread begins.
void set_up_heap();

}  // namespace usherd
