#include "src/spool/zstd_unpacker.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <zstd.h>

namespace usherd {
namespace {

/// 128 MiB: what the zstd program itself takes without being asked.
constexpr int kMostWindowLog = 27;

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ::ZSTD_freeDStream(stream); }
};

class ZstdUnpacker final : public Unpacker {
 public:
  explicit ZstdUnpacker(Sink sink)
      : sink_(std::move(sink)), out_(::ZSTD_DStreamOutSize()), stream_(::ZSTD_createDStream()) {
    if (stream_ != nullptr)
      ::ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMostWindowLog);
  }

  Result<void> feed(std::string_view packed) override {
    if (stream_ == nullptr)
      return Error{Errc::io, "no memory to unpack Zstandard with"};
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    bool full = false;
    while (in.pos < in.size || full) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const auto before = in.pos;
      hint_ = ::ZSTD_decompressStream(stream_.get(), &out, &in);
      at_ += in.pos - before;
      if (::ZSTD_isError(hint_) != 0)
        return damaged(::ZSTD_getErrorName(hint_));
      any_ = true;
      full = out.pos == out.size && hint_ != 0;
      if (out.pos == 0)
        continue;
      if (auto taken = sink_(std::string_view(out_.data(), out.pos)); !taken)
        return taken;
    }
    return {};
  }

  Result<void> finish() override {
    if (any_ && hint_ == 0)
      return {};
    return damaged(any_ ? "the file is cut short" : "the file is empty");
  }

 private:
  [[nodiscard]] Error damaged(std::string_view what) const {
    return {Errc::invalid, fmt::format("the Zstandard file is damaged near its byte {}: {}", at_, what)};
  }

  Sink sink_;
  std::vector<char> out_;
  std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
  std::size_t hint_ = 0;  ///< what the library wants next; 0 between two frames
  bool any_ = false;
  std::uint64_t at_ = 0;
};

}  // namespace

std::unique_ptr<Unpacker> make_zstd_unpacker(Unpacker::Sink sink) {
  return std::make_unique<ZstdUnpacker>(std::move(sink));
}

}  // namespace usherd
