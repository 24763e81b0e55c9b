#include "src/spool/json_converter.hpp"

namespace usherd {
namespace {

class JsonConverter final : public Converter {
 public:
  Result<void> feed(std::string_view) override { return Error{Errc::invalid, "JSON documents cannot be read yet"}; }
  Result<void> finish() override { return {}; }
};

}  // namespace

std::unique_ptr<Converter> make_json_converter(ConvertedRecords&) { return std::make_unique<JsonConverter>(); }

}  // namespace usherd
