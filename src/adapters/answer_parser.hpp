#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/transport.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace usherd {

/// Reads one HTTP answer from bytes as they come; interim (1xx) answers are skipped. Header at most 16 KiB,
/// body at most what is given. Never does I/O.
class AnswerParser {
 public:
  explicit AnswerParser(std::uint64_t most_body);
  /// For CONNECT: the answer ends with its header.
  [[nodiscard]] static AnswerParser header_only();
  AnswerParser(AnswerParser&&) noexcept;
  ~AnswerParser();

  /// Takes all the bytes. Errors (invalid): no HTTP, or over a limit.
  [[nodiscard]] Result<void> feed(std::string_view bytes);
  /// The connection ended properly. Errors (unavailable): in the middle of an answer, or before one.
  [[nodiscard]] Result<void> finish();
  /// A byte of a final answer came.
  [[nodiscard]] bool started() const;
  /// What began is no interim answer; false as long as it may be one.
  [[nodiscard]] bool is_final() const;
  [[nodiscard]] bool done() const;
  /// The connection may carry another exchange.
  [[nodiscard]] bool keeps_connection() const;
  /// Bytes came behind the end of the answer.
  [[nodiscard]] bool has_more() const;
  [[nodiscard]] unsigned status() const;
  /// Moves status, header values and body over, once done.
  void move_to(Exchange& exchange);

 private:
  struct State;
  explicit AnswerParser(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace usherd
