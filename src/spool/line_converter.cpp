#include "src/spool/line_converter.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kMostKept = (std::size_t{1} << 20) + 1;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class LineConverter final : public Converter {
 public:
  explicit LineConverter(EmitRecord emit) : emit_(std::move(emit)) {}

  Result<void> feed(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto newline = bytes.find('\n');
      const auto piece = bytes.substr(0, newline);
      line_.append(piece.substr(0, kMostKept - std::min(kMostKept, line_.size())));
      length_ += piece.size();
      if (newline == std::string_view::npos)
        break;
      if (auto ended = end_line(1); !ended)
        return ended;
      bytes.remove_prefix(newline + 1);
    }
    return {};
  }
  Result<void> finish() override { return end_line(0); }

 private:
  Result<void> end_line(std::uint64_t newline) {
    std::string_view line = line_;
    Origin origin{offset_, number_, length_};
    if (number_ == 1 && line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
      origin.offset += kByteOrderMark.size();
      origin.length -= kByteOrderMark.size();
    }
    const bool blank = origin.length < kMostKept && line.find_first_not_of(" \t\r") == std::string_view::npos;
    auto taken = blank ? Result<void>{} : emit_(line, origin);
    offset_ += length_ + newline;
    ++number_;
    length_ = 0;
    line_.clear();
    return taken;
  }

  EmitRecord emit_;
  std::string line_;
  std::uint64_t length_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 1;
};

}  // namespace

std::unique_ptr<Converter> make_line_converter(EmitRecord emit) {
  return std::make_unique<LineConverter>(std::move(emit));
}

}  // namespace usherd
