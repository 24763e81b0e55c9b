#include "usherd/spool/unpack.hpp"

#include "src/spool/gzip_unpacker.hpp"
#include "src/spool/zstd_unpacker.hpp"

#include <utility>

namespace usherd {

std::unique_ptr<Unpacker> make_unpacker(Compression compression, Unpacker::Sink sink) {
  switch (compression) {
    case Compression::gzip:
      return make_gzip_unpacker(std::move(sink));
    case Compression::zstd:
      return make_zstd_unpacker(std::move(sink));
    case Compression::none:
      break;
  }
  return nullptr;
}

}  // namespace usherd
