#include "src/batch/record_stream.hpp"

#include "usherd/validate/record.hpp"

#include <cstring>

namespace usherd {

void RecordStream::update(std::span<char> piece) {
  while (!piece.empty()) {
    auto* newline = static_cast<char*>(std::memchr(piece.data(), '\n', piece.size()));
    if (newline == nullptr) {
      begun_.append(piece.data(), piece.size());
      return;
    }
    const auto length = static_cast<std::size_t>(newline - piece.data());
    end_record_with(piece.first(length));
    *newline = ',';
    piece = piece.subspan(length + 1);
  }
}

void RecordStream::end_record_with(std::span<const char> rest) {
  std::string_view record(rest.data(), rest.size());
  if (!begun_.empty())
    record = begun_.append(record);
  const auto sum = record_sum(record);
  begun_.clear();
  digest_.add(sum);
  if (sums_ != nullptr)
    sums_->push_back(sum);
}

}  // namespace usherd
