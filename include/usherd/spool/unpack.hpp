#pragma once

#include "usherd/core/result.hpp"
#include "usherd/spool/file_name.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace usherd {

/// Unpacks one compressed file that is fed in pieces, and hands what it holds on in pieces of at most 256
/// KiB. Owns its buffers: about 300 KiB for gzip, for Zstandard also the frame's window, at most 128 MiB.
class Unpacker {
 public:
  using Sink = std::function<Result<void>(std::string_view bytes)>;

  virtual ~Unpacker() = default;
  /// Errc::invalid, with the place in the packed file, where it is damaged; errors of the sink are passed on
  /// as they are, and end the work. Nothing may be called after an error.
  [[nodiscard]] virtual Result<void> feed(std::string_view packed) = 0;
  /// The file ends here. Errc::invalid where it is empty or cut short.
  [[nodiscard]] virtual Result<void> finish() = 0;
};

/// gzip (RFC 1952) with any number of members, zero bytes behind the last one being padding; Zstandard (RFC
/// 8878) with any number of frames, skippable ones among them, no dictionary. None for Compression::none.
/// What `sink` needs must outlive the unpacker.
[[nodiscard]] std::unique_ptr<Unpacker> make_unpacker(Compression compression, Unpacker::Sink sink);

}  // namespace usherd
