#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace usherd {

/// An HTTP answer of our own admin server, piece by piece: a head, then a body of known length or in chunks.
/// Only that; whatever else comes is not ours. Pure.
class PlainAnswer {
 public:
  static constexpr std::size_t kMostHead = std::size_t{16} << 10;

  /// False when it is no such answer.
  [[nodiscard]] bool put(std::string_view bytes);
  /// 0 until the head is whole.
  [[nodiscard]] unsigned status() const { return status_; }
  /// What came of the body since the last call.
  [[nodiscard]] std::string take();
  /// Nothing is missing.
  [[nodiscard]] bool is_whole() const { return head_done_ && (chunked_ ? last_seen_ : left_ == 0); }

 private:
  [[nodiscard]] bool read_head();
  [[nodiscard]] bool read_body();
  [[nodiscard]] bool read_chunk_size();

  std::string pending_;
  std::string body_;
  unsigned status_ = 0;
  std::uint64_t left_ = 0;  ///< of the body or of the chunk under way
  bool head_done_ = false;
  bool chunked_ = false;
  bool in_chunk_ = false;
  bool last_seen_ = false;
};

}  // namespace usherd
