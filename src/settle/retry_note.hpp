#pragma once

#include "usherd/core/result.hpp"
#include "usherd/spool/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// What a retry writes down before its file is dropped: the name that this will have, and which lines of
/// rejects its records come from, so that whoever comes next can mark them. Plain values.
struct RetryNote {
  struct Line {
    std::uint64_t line = 0;  ///< of the record in the file it came in, as its reject says
    std::uint64_t offset = 0;
    std::uint64_t retried_line = 0;
  };
  std::string retried_as;
  std::map<std::string, std::vector<Line>, std::less<>> lines;  ///< by the file whose rejects they are

  [[nodiscard]] std::string encode() const;
  /// Errc::corrupt where it is not all there.
  [[nodiscard]] static Result<RetryNote> decode(std::string_view text);
};

/// Where a retry stands until it is whole: its file hidden in incoming/, and its note in rejected/ under the
/// same name. Plain paths.
class RetryPaths {
 public:
  static constexpr std::string_view kBeginning = ".usherd-retry-";

  explicit RetryPaths(const SpoolLayout& layout) : layout_(layout) {}

  /// Whether a file of incoming/ or a note bears this name.
  [[nodiscard]] static bool is_name(std::string_view name);
  /// Whether that is a note which is not whole yet.
  [[nodiscard]] static bool is_draft(std::string_view name);
  [[nodiscard]] std::string hidden(const std::string& name) const { return layout_.incoming() + "/" + name; }
  [[nodiscard]] std::string note(const std::string& name) const { return layout_.rejected() + "/" + name; }
  [[nodiscard]] std::string draft(const std::string& name) const;

 private:
  const SpoolLayout& layout_;
};

}  // namespace usherd
