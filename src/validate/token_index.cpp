#include "src/validate/token_index.hpp"

#include <new>

namespace usherd {

TokenIndex::TokenIndex(std::size_t most_bytes) {
  if (parser_.allocate(most_bytes) != simdjson::SUCCESS)
    throw std::bad_alloc();
  stages_ = parser_.implementation.get();
}

bool TokenIndex::build(std::string_view lines) {
  return stages_->stage1(reinterpret_cast<const std::uint8_t*>(lines.data()), lines.size(),
                         simdjson::stage1_mode::regular) == simdjson::SUCCESS;
}

std::string_view TokenIndex::unescape(const char* inside, char* into) const {
  auto* const start = reinterpret_cast<std::uint8_t*>(into);
  const auto* end = stages_->parse_string(reinterpret_cast<const std::uint8_t*>(inside), start);
  return end == nullptr ? std::string_view() : std::string_view(into, static_cast<std::size_t>(end - start));
}

}  // namespace usherd
