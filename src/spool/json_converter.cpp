#include "src/spool/json_converter.hpp"

#include "usherd/spool/json_document.hpp"

namespace usherd {
namespace {

class JsonConverter final : public Converter {
 public:
  explicit JsonConverter(ConvertedRecords& out)
      : scanner_([&out](std::string_view line, const Origin& origin) {
          out.add(line, origin);
          return out.status();
        }) {}

  Result<void> feed(std::string_view bytes) override { return scanner_.feed(bytes); }
  Result<void> finish() override { return scanner_.finish(); }

 private:
  JsonDocumentScanner scanner_;
};

}  // namespace

std::unique_ptr<Converter> make_json_converter(ConvertedRecords& out) {
  return std::make_unique<JsonConverter>(out);
}

}  // namespace usherd
