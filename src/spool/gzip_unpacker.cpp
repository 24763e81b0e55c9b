#include "src/spool/gzip_unpacker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

// Input is const to it then.
#define ZLIB_CONST
#include <zlib.h>

namespace usherd {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
/// Of every member.
constexpr char kFirstByte = '\x1F';
/// The largest window, and a gzip header.
constexpr int kWindowBits = MAX_WBITS + 16;

class GzipUnpacker final : public Unpacker {
 public:
  explicit GzipUnpacker(Sink sink) : sink_(std::move(sink)), out_(kPiece) {
    ready_ = ::inflateInit2(&stream_, kWindowBits) == Z_OK;
  }
  ~GzipUnpacker() override {
    if (ready_)
      ::inflateEnd(&stream_);
  }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;

  Result<void> feed(std::string_view packed) override {
    if (!ready_)
      return Error{Errc::io, "no memory to unpack gzip with"};
    while (!packed.empty()) {
      if (between_ && members_ > 0 && skip_padding(packed))
        continue;
      if (padded_)
        return damaged("something follows the padding behind its last member");
      if (between_ && members_ > 0 && packed.front() != kFirstByte)
        return damaged("something that is no further member follows the archive's end");
      if (auto unpacked = unpack(packed); !unpacked)
        return unpacked;
    }
    return {};
  }

  Result<void> finish() override {
    if (between_ && members_ > 0)
      return {};
    return damaged(members_ == 0 && between_ ? "the file is empty" : "the file is cut short");
  }

 private:
  /// Zero bytes behind a member are padding, as tapes leave it.
  bool skip_padding(std::string_view& packed) {
    const auto zeros = std::min(packed.find_first_not_of('\0'), packed.size());
    packed.remove_prefix(zeros);
    at_ += zeros;
    padded_ = padded_ || zeros > 0;
    return zeros > 0;
  }

  /// Until a member ends or all is taken.
  Result<void> unpack(std::string_view& packed) {
    between_ = false;
    stream_.next_in = reinterpret_cast<const Bytef*>(packed.data());
    stream_.avail_in = static_cast<uInt>(packed.size());
    int code = Z_OK;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const auto before = stream_.avail_in;
      code = ::inflate(&stream_, Z_NO_FLUSH);
      at_ += before - stream_.avail_in;
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return damaged(stream_.msg == nullptr ? "it cannot be unpacked" : stream_.msg);
      const auto made = out_.size() - stream_.avail_out;
      if (made > 0) {
        if (auto taken = sink_(std::string_view(out_.data(), made)); !taken)
          return taken;
      }
    } while (code == Z_OK && (stream_.avail_in > 0 || stream_.avail_out == 0));
    packed.remove_prefix(packed.size() - stream_.avail_in);
    if (code == Z_STREAM_END) {
      ++members_;
      between_ = true;
      ::inflateReset(&stream_);
    }
    return {};
  }

  [[nodiscard]] Error damaged(std::string_view what) const {
    return {Errc::invalid, fmt::format("the gzip file is damaged near its byte {}: {}", at_, what)};
  }

  Sink sink_;
  std::vector<char> out_;
  z_stream stream_{};
  bool ready_ = false;
  bool between_ = true;
  bool padded_ = false;
  std::uint64_t members_ = 0;
  std::uint64_t at_ = 0;
};

}  // namespace

std::unique_ptr<Unpacker> make_gzip_unpacker(Unpacker::Sink sink) {
  return std::make_unique<GzipUnpacker>(std::move(sink));
}

}  // namespace usherd
