#pragma once

#include "usherd/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Where a converted record stood in the original, after decompression.
struct Origin {
  std::uint64_t offset = 0;  ///< of its first byte
  std::uint64_t line = 0;    ///< 1-based
  std::uint64_t length = 0;  ///< in bytes, even where only its head was kept
};

/// Cuts a JSON document of any size (an array of records, one record, or {"requests":[...]}) into NDJSON
/// lines while it streams by. Knows brackets, strings and commas only: what stands inside a record is the
/// validator's to judge, and whatever it would refuse is handed on so that it still does. Holds at most about
/// 1 MiB.
class JsonDocumentScanner {
 public:
  /// Gets each element made into one line, but for raw newlines inside its strings, which make it invalid.
  /// Elements over 1 MiB come as their first 1 MiB and one byte. An error stops the scan and is passed on.
  using Emit = std::function<Result<void>(std::string_view line, const Origin& origin)>;

  explicit JsonDocumentScanner(Emit emit);

  /// Takes the next bytes, cut anywhere. Errors: invalid, with line and byte, for a damaged document
  /// (brackets that do not match, a missing comma, something behind the end): the file is to be refused
  /// whole; every later call repeats it. A byte order mark at the start is skipped.
  [[nodiscard]] Result<void> feed(std::string_view piece);
  /// The document ends here. Errors: invalid where it is not whole, or empty.
  [[nodiscard]] Result<void> finish();

 private:
  enum class Step : std::uint8_t {
    start,           ///< in front of everything
    head,            ///< inside a top-level object that may turn out to be {"requests":[
    first_element,   ///< behind '[': an element or ']'
    element,         ///< behind a comma: an element
    after_element,   ///< behind an element: a comma or ']'
    scalar,          ///< inside a bare word or number
    text,            ///< inside a string that is an element
    nested,          ///< inside the brackets of an element
    nested_text,     ///< inside a string inside those
    after_requests,  ///< behind the array of {"requests":[...]}: only '}'
    end,             ///< behind the document
  };

  // Each takes at least one byte, or changes the step, and returns where it stopped.
  const char* take(const char* at, const char* end);
  const char* take_between(const char* at);
  const char* take_head(const char* at);
  const char* take_scalar(const char* at, const char* end);
  const char* take_text(const char* at, const char* end);
  const char* take_nested(const char* at, const char* end);
  void take_start(char c);
  void take_element_start(char c);
  void take_bracket(char c);
  void start_element(Step step);
  void end_element();
  void keep(const char* from, const char* to);
  void fail(std::string_view what);

  Emit emit_;
  Step step_ = Step::start;
  std::uint64_t offset_ = 0;  // of the byte that is looked at
  std::uint64_t line_ = 1;
  std::size_t mark_ = 0;        // bytes seen of a byte order mark
  bool escaped_ = false;        // the next byte of a string follows a backslash
  bool in_array_ = false;       // of elements
  bool in_envelope_ = false;    // {"requests":
  std::size_t envelope_ = 0;    // bytes of its head that were seen, blanks not counted
  std::vector<bool> brackets_;  // those open inside the element; true: a brace
  std::uint64_t deeper_ = 0;    // those open inside these, of which the kind is not kept
  std::string element_;         // its head
  Origin origin_;
  std::optional<Error> failure_;
};

}  // namespace usherd
