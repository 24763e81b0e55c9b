#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace usherd {

/// Reads JSON where it stands. A document that is built takes up to a hundred times its text, which is the
/// server's to choose: 16 MiB of "0," became more than a gigabyte.

/// Whether `text` is one whole JSON value and nothing else, nested no deeper than `most_depth`. Strings may
/// hold bytes that are not UTF-8. Takes no memory that grows with the text.
[[nodiscard]] bool is_whole_json(std::string_view text, std::size_t most_depth);

/// The functions below take only texts that is_whole_json(), or of which mended_json() makes such, and what
/// they returned.

/// `text` without blanks around it.
[[nodiscard]] std::string_view without_blanks(std::string_view text);

/// The text of an object's member: the last of that name, as a parser that builds objects has it. Empty where
/// it is missing, null, or `object` is no object.
[[nodiscard]] std::string_view find_member_text(std::string_view object, std::string_view name);

/// The member as an id or a token, which are opaque: a string decoded and mended (mended_json), a number as
/// it stands, however many digits it has; nothing for another type.
[[nodiscard]] std::optional<std::string> find_opaque(std::string_view object, std::string_view name);

/// Goes through the elements of an array; there are none in what is no array.
class ElementTexts {
 public:
  explicit ElementTexts(std::string_view array);
  [[nodiscard]] std::optional<std::string_view> next();

 private:
  std::string_view rest_;
};

}  // namespace usherd
