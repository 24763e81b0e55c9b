#include "src/batch/record_stream.hpp"

#include "usherd/validate/record.hpp"

#include <cstring>

namespace usherd {

/// A newline that stands where it should is taken for the first: if it is not, the sum tells.
char* RecordStream::find_newline(std::span<char> piece) const {
  if (!known_.empty()) {
    const std::size_t length = known_.front().length - begun_.size();
    if (length < piece.size() && piece[length] == '\n')
      return piece.data() + length;
  }
  return static_cast<char*>(std::memchr(piece.data(), '\n', piece.size()));
}

void RecordStream::update(std::span<char> piece) {
  while (!piece.empty()) {
    auto* const newline = find_newline(piece);
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
  if (!known_.empty())
    known_ = known_.subspan(1);
  digest_.add(sum);
  if (sums_ != nullptr)
    sums_->push_back(sum);
}

}  // namespace usherd
