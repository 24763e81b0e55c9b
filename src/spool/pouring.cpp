#include "src/spool/pouring.hpp"

#include "usherd/core/units.hpp"
#include "usherd/spool/unpack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace usherd {
namespace {

constexpr std::uint64_t kPiece = std::uint64_t{256} << 10;
constexpr std::size_t kCsvPiece = std::size_t{16} << 10;

/// Holds the larger of what was unpacked and what was made of it against the limits.
class Bounds {
 public:
  Bounds(const ConvertLimits& limits, std::uint64_t size) : limits_(limits) {
    const auto most = std::numeric_limits<std::uint64_t>::max();
    const auto by_ratio =
        size > most / std::max<std::uint64_t>(1, limits.max_ratio) ? most : size * limits.max_ratio;
    by_ratio_ = std::max(by_ratio, ConvertLimits::kFreeBytes);
  }

  [[nodiscard]] std::optional<Refusal> check(std::uint64_t unpacked, std::uint64_t made) const {
    // A step's growth is held against what that step was given.
    const auto by_ratio = made_ratio(unpacked);
    if (std::max(unpacked, made) > limits_.max_unpacked)
      return refusal(fmt::format("becomes more than {} when unpacked and converted: spool.max_unpacked",
                                 format_size(limits_.max_unpacked)));
    if (unpacked > by_ratio_ || made > by_ratio)
      return refusal(
          fmt::format("becomes more than {} times its size when unpacked or converted: spool.max_ratio",
                      limits_.max_ratio));
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::uint64_t made_ratio(std::uint64_t unpacked) const {
    return std::max(by_ratio_, Bounds::times(unpacked, limits_.max_ratio));
  }
  static std::uint64_t times(std::uint64_t bytes, std::uint64_t ratio) {
    const auto most = std::numeric_limits<std::uint64_t>::max();
    return bytes > most / std::max<std::uint64_t>(1, ratio) ? most : bytes * ratio;
  }
  static Refusal refusal(std::string_view how) {
    return {std::string(kTooLargeUnpacked), fmt::format("the file {}", how)};
  }

  const ConvertLimits& limits_;
  std::uint64_t by_ratio_ = 0;
};

std::string_view document_code(Format format) {
  return format == Format::csv ? kBadHeader : "damaged_document";
}

/// One run: who failed decides what the file is refused for.
class PouringRun {
 public:
  explicit PouringRun(Pouring& pouring)
      : pouring_(pouring),
        bounds_(pouring.limits, pouring.size),
        unpacker_(make_unpacker(pouring.format.compression,
                                [this](std::string_view bytes) { return convert(bytes); })) {}

  Result<std::optional<Refusal>> run() {
    auto done = pour();
    if (done && unpacker_ != nullptr)
      done = noted(unpacker_->finish(), "damaged_archive");
    // Behind a member of an archive, or a row, nothing else tells that it ends too soon.
    if (done && unpacker_ != nullptr && missing_ > 0)
      done = noted(Error{Errc::invalid, fmt::format("the last {} bytes of the file are gone: it was made "
                                                    "shorter after it was accepted",
                                                    missing_)},
                   "damaged_archive");
    if (done)
      done = noted(missing_ > 0 ? pouring_.converter.finish_cut(missing_) : pouring_.converter.finish(),
                   document_code(pouring_.format.format));
    if (done)
      done = check_bounds();
    if (refusal_)
      return refusal_;
    if (!done)
      return done.error();
    return std::optional<Refusal>{};
  }

 private:
  Result<void> pour() {
    std::vector<char> piece(std::min(pouring_.size, kPiece));
    for (std::uint64_t offset = 0; offset < pouring_.size;) {
      if (pouring_.stop != nullptr && pouring_.stop->load(std::memory_order_relaxed))
        return Error{Errc::cancelled, "stopped"};
      const auto want = std::min<std::uint64_t>(piece.size(), pouring_.size - offset);
      const auto length = pouring_.source.read_at(std::span(piece).first(want), offset);
      if (!length)
        return length.error();
      if (*length == 0) {
        missing_ = pouring_.size - offset;
        break;
      }
      const std::string_view bytes(piece.data(), *length);
      auto fed = unpacker_ == nullptr ? convert(bytes) : noted(unpacker_->feed(bytes), "damaged_archive");
      if (!fed)
        return fed;
      offset += *length;
    }
    return {};
  }

  Result<void> convert(std::string_view bytes) {
    // A short row under long names becomes a long record: CSV goes in small steps, so that little is made
    // between two looks at the bounds.
    const auto most = pouring_.format.format == Format::csv ? kCsvPiece : bytes.size();
    for (; !bytes.empty(); bytes.remove_prefix(std::min(most, bytes.size()))) {
      const auto piece = bytes.substr(0, most);
      unpacked_ += piece.size();
      if (auto fed = noted(pouring_.converter.feed(piece), document_code(pouring_.format.format)); !fed)
        return fed;
      if (auto bounded = check_bounds(); !bounded)
        return bounded;
    }
    return {};
  }

  Result<void> check_bounds() {
    if (!refusal_)
      refusal_ = bounds_.check(unpacked_, pouring_.made());
    if (refusal_)
      return Error{Errc::invalid, refusal_->message};
    return {};
  }

  /// Errc::invalid is the file's fault, and the first to say so gives the code.
  Result<void> noted(Result<void> step, std::string_view code) {
    if (!step && step.error().code == Errc::invalid && !refusal_)
      refusal_ = Refusal{std::string(code), step.error().message};
    return step;
  }

  Pouring& pouring_;
  Bounds bounds_;
  std::unique_ptr<Unpacker> unpacker_;
  std::optional<Refusal> refusal_;
  std::uint64_t unpacked_ = 0;
  std::uint64_t missing_ = 0;  ///< of what was accepted
};

}  // namespace

Result<std::optional<Refusal>> Pouring::run() {
  return PouringRun(*this).run();
}

}  // namespace usherd
