#pragma once

#include "usherd/spool/unpack.hpp"

#include <memory>

namespace usherd {

[[nodiscard]] std::unique_ptr<Unpacker> make_gzip_unpacker(Unpacker::Sink sink);

}  // namespace usherd
