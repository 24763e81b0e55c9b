#include "src/spool/json_converter.hpp"

#include "usherd/core/text.hpp"
#include "usherd/spool/bad_row.hpp"
#include "usherd/spool/json_document.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace usherd {
namespace {

constexpr std::size_t kMostRecord = std::size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Nothing where the record rules can judge the element as a line of its own. They cannot where a newline
/// stands in a string, and must not where it looks like a bad row or begins like the file of lines that it
/// will stand in may begin; and they would not know its length.
std::optional<BadRow> bad_element(std::string_view element, const Origin& origin) {
  if (origin.length > kMostRecord)
    return BadRow{"record_too_large",
                  fmt::format("the record has {} bytes: split it into records of at most {}", origin.length,
                              kMostRecord),
                  std::string(element)};
  if (element.starts_with(kByteOrderMark))
    return BadRow{"byte_order_mark", "a byte order mark stands before the record: remove it",
                  std::string(element)};
  if (!may_be_bad_row(element) && element.find('\n') == std::string_view::npos)
    return std::nullopt;
  if (!is_utf8(element))
    return BadRow{"invalid_utf8", "the record is not UTF-8: write the file in UTF-8", std::string(element)};
  return BadRow{"invalid_json", "the record is not JSON: it holds a raw control character: escape it",
                std::string(element)};
}

class JsonConverter final : public Converter {
 public:
  explicit JsonConverter(EmitRecord emit)
      : emit_(std::move(emit)),
        scanner_([this](std::string_view element, const Origin& origin) { return take(element, origin); }) {}

  Result<void> feed(std::string_view bytes) override { return scanner_.feed(bytes); }
  Result<void> finish() override { return scanner_.finish(); }

 private:
  Result<void> take(std::string_view element, const Origin& origin) {
    const auto bad = bad_element(element, origin);
    if (!bad)
      return emit_(element, origin);
    bad_.clear();
    append_bad_row(bad_, *bad);
    return emit_(bad_, origin);
  }

  EmitRecord emit_;
  JsonDocumentScanner scanner_;
  std::string bad_;
};

}  // namespace

std::unique_ptr<Converter> make_json_converter(EmitRecord emit) {
  return std::make_unique<JsonConverter>(std::move(emit));
}

}  // namespace usherd
