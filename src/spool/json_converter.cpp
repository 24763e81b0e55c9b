#include "src/spool/json_converter.hpp"

#include "usherd/spool/json_document.hpp"

#include <utility>

namespace usherd {
namespace {

class JsonConverter final : public Converter {
 public:
  explicit JsonConverter(EmitRecord emit) : scanner_(std::move(emit)) {}

  Result<void> feed(std::string_view bytes) override { return scanner_.feed(bytes); }
  Result<void> finish() override { return scanner_.finish(); }

 private:
  JsonDocumentScanner scanner_;
};

}  // namespace

std::unique_ptr<Converter> make_json_converter(EmitRecord emit) {
  return std::make_unique<JsonConverter>(std::move(emit));
}

}  // namespace usherd
