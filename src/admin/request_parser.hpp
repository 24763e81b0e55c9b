#pragma once

#include "usherd/admin/message.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace usherd {

/// One HTTP request as it comes in, piece by piece. Takes at most kMostHead bytes and of a body as many as it
/// is told, whatever the client claims to send.
class RequestParser {
 public:
  static constexpr std::uint32_t kMostHead = 16 * 1024;
  static constexpr std::uint64_t kMostBody = 1 << 20;
  static constexpr std::size_t kMostParameters = 32;

  enum class State : std::uint8_t {
    more,  ///< not whole yet
    done,
    too_large,       ///< 413: the body
    head_too_large,  ///< 431
    bad,             ///< 400: no HTTP, or a target that cannot be read
    unknown,         ///< 405: a method that is never answered
  };

  explicit RequestParser(std::uint64_t most_body = kMostBody);
  ~RequestParser();

  State put(std::string_view bytes);
  /// Bytes of the body that came so far.
  [[nodiscard]] std::size_t body_bytes() const;
  /// After `done`. The peer is the caller's to set.
  [[nodiscard]] AdminRequest take();
  /// The Host header as it came; empty when there was none.
  [[nodiscard]] const std::string& host() const { return host_; }
  /// HTTP/1.0, which does without a Host header, and without one.
  [[nodiscard]] bool is_old_and_hostless() const { return is_old_and_hostless_; }
  /// The answer goes without its body.
  [[nodiscard]] bool is_head() const { return is_head_; }

 private:
  [[nodiscard]] State finish();
  struct Beast;
  std::unique_ptr<Beast> beast_;
  std::string pending_;
  AdminRequest request_;
  std::string host_;
  bool is_head_ = false;
  bool is_old_and_hostless_ = false;
};

/// Decodes %XX and, where `plus`, '+'; false for a broken escape or a NUL.
[[nodiscard]] bool percent_decode(std::string_view text, bool plus, std::string& out);

}  // namespace usherd
